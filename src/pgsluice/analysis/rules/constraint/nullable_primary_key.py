"""A PRIMARY KEY USING INDEX over columns that may hold NULL.

## What it does

`ADD PRIMARY KEY USING INDEX` takes over an index that exists. Where one of its columns is not NOT NULL yet the statement
makes it so, and looks for a NULL in every row under ACCESS EXCLUSIVE.

## Why it is dangerous

The step that was meant to be brief holds up every read and every write of the table for a scan of the whole table,
and fails where it finds a NULL.

## The safe way

Each such column becomes NOT NULL first, the safe way; the statement itself is then brief.

## When the safe way does not apply

It always does.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.constraints import added_constraint
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.alteration import subject
from pgsluice.analysis.rules.constraint.blocking_unique_build import not_null_parts
from pgsluice.analysis.rules.rule import Context, Hazard, Part, Rewrite, Rule
from pgsluice.model.catalog import ConstraintKind
from pgsluice.model.finding import Category, Severity
from pgsluice.model.postgres.identifiers import QualifiedName


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    clause = added_constraint(action)
    if clause is None or clause.kind is not ConstraintKind.PRIMARY_KEY or clause.using_index is None or not context.hurts(impact):
        return None
    table = subject(action, context)
    index = context.catalog.index(QualifiedName(table.schema, clause.using_index))
    columns = tuple(k for k in index.keys if k is not None) if index is not None else ()
    parts = not_null_parts(action, columns, context)
    if not parts:
        return None
    itself = Part(action.sql, "its columns are NOT NULL now, so nothing is scanned")
    return Hazard(f"nobody can read or write {table} while every row is searched for NULL", Rewrite((*parts, itself)))


RULE = Rule("nullable-primary-key", Severity.ERROR, Category.OUTAGE, _match)
