"""An ALTER SEQUENCE, for which every INSERT that takes a number waits.

## What it does

`ALTER SEQUENCE` with `RESTART`, `AS`, `INCREMENT`, `CACHE` and the like takes SHARE ROW EXCLUSIVE on the sequence until the transaction
ends. `nextval` waits for it, and so does every INSERT that fills a column from it.

## Why it is dangerous

The change itself is brief. In a transaction with other statements all inserts of the application wait until that commits. `RESTART`
at a number that is in use makes the inserts that follow fail or, without a unique index, doubles the number.

## The safe way

In a transaction of its own; `pgsluice run` gives it one. To move a sequence forward, `SELECT setval(...)` blocks nobody.

## When the safe way does not apply

For a sequence that the same file makes nothing is said.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.objects import sequence_definition
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if action.relation is None or not any(lock.mode.blocks_application for lock in impact.locks):
        return None
    name = context.name(action.relation)
    sequence, definition = context.catalog.sequences.get(name), sequence_definition(action)
    if (sequence is None and context.catalog.known) or (sequence is not None and sequence.made_by_run):
        return None
    if definition is not None and definition.owned_by and not context.stood_before(context.name(definition.owned_by[0])):
        return None
    return Hazard(f"every INSERT that takes its number from {name} waits until the transaction ends", None)


RULE = Rule("sequence-lock", Severity.WARNING, Category.OUTAGE, _match, kinds=frozenset({"ALTER SEQUENCE"}))
