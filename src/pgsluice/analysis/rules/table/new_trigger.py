"""A trigger that fires for the writes of the running release.

## What it does

`CREATE TRIGGER` is brief: SHARE ROW EXCLUSIVE on the table, for which writes wait. From then on the trigger's function is run for
every write.

## Why it is dangerous

Where the function raises an error, or looks at what the running release does not fill, the release's writes fail; where it is slow they
are slow. Batched updates fire it for every row.

## The safe way

Try the function with the statements of the release that runs, not only with those of the next one.

## When the safe way does not apply

It always does; there is nothing to rewrite.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.changes import trigger_definition
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.subjects import subject
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    made = trigger_definition(action)
    if made is None or not context.stood_before(context.name(made.table)) or _replaces(made.name, context):
        return None
    events = " and ".join(made.events)
    return Hazard(f"{made.function[1]}() is run for each {events} of the running release on {context.name(made.table)}", None)


def _replaces(name: str, context: Context) -> bool:
    """Whether the file has dropped a trigger of that name before."""
    return any(a.kind == "DROP TRIGGER" and (subject(a) or ("", ""))[1] == name for a in context.earlier)


RULE = Rule("new-trigger", Severity.INFO, Category.RELEASE, _match, kinds=frozenset({"CREATE TRIGGER"}))
