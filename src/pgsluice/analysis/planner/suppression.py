"""What the user does not want to hear of: rules that are allowed for a statement, for a file or everywhere."""

from collections.abc import Iterable, Iterator

from pgsluice.analysis.parsing.foreign_directives import WORDS
from pgsluice.analysis.parsing.statement import Statement
from pgsluice.analysis.planner import foreign_ignores
from pgsluice.analysis.planner.composition import Allowances
from pgsluice.analysis.rules.registry import named, rules
from pgsluice.model.errors import InputError, UsageError
from pgsluice.model.finding import Finding


def left(statement: Statement, found: Iterable[Finding], options: tuple[str, ...]) -> Iterator[Finding]:
    """The findings whose rule is allowed neither by a directive of the statement or of its file nor by `options`, and silenced by
    none for another linter."""
    allowed, silenced = Allowances.of(statement, options), foreign_ignores.silenced(statement)
    if silenced is None:
        return iter(())
    return (finding for finding in found if finding.rule not in silenced and not allowed.covers(finding.rule))


def refuse_unknown(statements: Iterable[Statement]) -> None:
    """Raises InputError for a directive that names a rule that is not there."""
    told = dict.fromkeys(d for s in statements for d in s.directives if d.rule is not None and d.word not in WORDS)
    for directive in told:
        if directive.rule is not None and named(directive.rule) is None:
            raise InputError("unknown-rule", f"there is no rule {directive.rule!r}", where=directive.place, next=suggestion(directive.rule))


def refuse_unasked(asked: Iterable[str]) -> None:
    """Raises UsageError for what is asked for and fits no rule that could be off."""
    for name in asked:
        if not any(rule.optional and rule.asked_for((name,)) for rule in rules()) and named(name) is None:
            raise UsageError("unknown-rule", f"no rule that is off by default fits {name!r}", next=suggestion(name))


def suggestion(name: str) -> str:
    """What somebody who wrote `name` may have meant."""
    import difflib  # only an error needs it

    close = difflib.get_close_matches(name, [rule.name for rule in rules()], 3)
    return f"did you mean {' or '.join(close)}?" if close else "`pgsluice rules` lists them"
