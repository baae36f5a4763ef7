"""Why it cannot be said what a statement does: silence is a lie."""

from pgsluice.analysis.parsing.bodies import body
from pgsluice.analysis.parsing.statement import Statement
from pgsluice.model.finding import NotAnalysed


def problem(statement: Statement) -> NotAnalysed:
    """Why a statement that did not parse cannot be analysed."""
    return NotAnalysed(statement.problem_place or statement.place, statement.problem or "it cannot be read")


def not_understood(statement: Statement, kinds: str, called: str | None = None) -> tuple[NotAnalysed, ...]:
    """Why a statement with actions of these kinds is not analysed although it parsed: each place in its body that nobody can
    read beforehand, what of the functions that it calls (`called`), or that what it locks is not known."""
    inside = body(statement)
    if inside is not None:
        dynamic = tuple(NotAnalysed(p, "dynamic SQL: what EXECUTE runs is only known when it runs") for p in inside.dynamic)
        unread = tuple(problem(s) for s in inside.statements if s.problem)
        whole = (NotAnalysed(inside.problem_place or statement.place, inside.problem),) if inside.problem else ()
        if found := (*whole, *unread, *dynamic):
            return found
    if called is not None:
        return (NotAnalysed(statement.place, called),)
    what = "this statement" if kinds == "UNKNOWN" else kinds
    return (NotAnalysed(statement.place, f"what {what} locks here is not known"),)


def mistake(statement: Statement, error: Exception) -> NotAnalysed:
    """A mistake of ours in a statement's analysis."""
    return NotAnalysed(statement.place, f"a mistake in pgsluice ({type(error).__name__}: {error}); please report it")
