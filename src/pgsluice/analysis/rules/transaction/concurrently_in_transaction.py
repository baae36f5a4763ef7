"""A statement that refuses to run inside of a transaction, in a transaction.

## What it does

`CREATE INDEX CONCURRENTLY` and its kin, `VACUUM`, `CREATE DATABASE`, `ALTER SYSTEM` and some others commit in their middle or write what
cannot be taken back. Inside of `BEGIN` ... `COMMIT`, or of the transaction in which a tool runs a whole file, they fail at once
(SQLSTATE 25001). Several statements that a tool sends as one message are a transaction, too. Which tool runs the file, and how, is seen
from its layout.

## Why it is dangerous

The deploy stops there. Many then take the word CONCURRENTLY away, which is the one thing that kept the table usable.

## The safe way

Take `BEGIN` and `COMMIT` away, or move the statement to a file of its own, and tell the tool that runs it not to open a transaction for
that file; the finding says how. `pgsluice run` runs such a statement outside of any transaction, whatever the tool would do.

## When the safe way does not apply

Where the tool has no mark for that (Drizzle), run the statement by itself.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if impact.in_transaction:
        return None
    if context.in_block():
        return Hazard("it fails inside of BEGIN ... COMMIT: take those away, or move it to a file of its own", None)
    enclosure = action.statement.enclosure
    if enclosure is None or enclosure.spared:
        return None
    return Hazard(f"it fails inside of a transaction, and {enclosure.why}", None)


RULE = Rule("concurrently-in-transaction", Severity.ERROR, Category.RELEASE, _match)
