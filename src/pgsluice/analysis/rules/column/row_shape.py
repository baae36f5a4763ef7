"""A column more or less in the rows that the running release reads.

## What it does

`ADD COLUMN` changes what `SELECT *`, `RETURNING *` and the row type of the table are.

## Why it is dangerous

A session that has prepared `SELECT * FROM t` gets "cached plan must not change result type" (SQLSTATE 0A000) at its next
execution; behind a pooler that keeps prepared statements in the server, every client does. `INSERT INTO t VALUES (...)`
without a list of columns goes on, and one into a `SELECT * FROM t` of another table fails. Triggers that copy `NEW.*`
elsewhere fail in new sessions while old ones go on.

## The safe way

Name the columns in queries, and let clients prepare again on 0A000.

## When the safe way does not apply

Off by default, because nearly every migration adds a column and most clients bear it. With `--database` functions that copy
whole rows of the table are named.
"""

import re

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.catalog import Function, Table
from pgsluice.model.finding import Category, Severity

_WHOLE_ROW = re.compile(r"\b(?:new|old)\s*\.\s*\*", re.IGNORECASE)


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if action.relation is None or not context.stood_before(context.name(action.relation)):
        return None
    table = context.table(action)
    copying = [f.signature for f in context.catalog.functions if table is not None and _copies(f, table)]
    named = f"; {', '.join(copying)} copies whole rows" if copying else ""
    return Hazard(f"SELECT * of {context.name(action.relation)} that sessions have prepared fails once (0A000){named}", None)


def _copies(function: Function, table: Table) -> bool:
    """Whether it is a trigger of the table whose text copies a whole row."""
    fires = any(t.function == function.signature for t in table.triggers)
    return fires and function.definition is not None and _WHOLE_ROW.search(function.definition) is not None


RULE = Rule("row-shape", Severity.INFO, Category.RELEASE, _match, optional=True, kinds=frozenset({"ALTER TABLE ADD COLUMN"}))
