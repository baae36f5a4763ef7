"""A primary key that is dropped and added anew, with nothing that keeps the rows apart in between.

## What it does

`DROP CONSTRAINT` of a primary key followed by `ADD PRIMARY KEY`: a table has one at a time, so the new one cannot stand before the
old one goes.

## Why it is dangerous

The new key's index is built while the old key is gone: in one transaction under ACCESS EXCLUSIVE, so that nobody can use the
table meanwhile; in two with writes that nothing checks for duplicates, and queries without the index.

## The safe way

The new columns become NOT NULL and the new unique index is built concurrently under a helper name, while the old key still
stands. Then one brief transaction drops the old key and makes the index the new one's, under the name that it should have.

## When the safe way does not apply

Where foreign keys of other tables rely on the old key it cannot be dropped: drop and add those, too.
"""

from collections.abc import Iterable
from dataclasses import replace

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.actions import actions
from pgsluice.analysis.parsing.constraints import ConstraintClause, added_constraint
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.alteration import alter, subject
from pgsluice.analysis.rules.constraint.blocking_unique_build import chosen_name, index_part, not_null_parts, using_part
from pgsluice.analysis.rules.rule import Context, Hazard, Part, Rewrite, Rule
from pgsluice.model.catalog import Catalog, Constraint, ConstraintKind, Table
from pgsluice.model.finding import Category, Severity
from pgsluice.model.postgres.identifiers import helper_name, quote


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    table = context.table(action)
    key = table.primary_key if table is not None else None
    if table is None or key is None or not context.busy(table.name) or context.catalog.foreign_keys_to(table.name):
        return None
    message = f"{table.name} goes without a primary key until the new one's index is built"
    siblings = actions(action.statement)
    if _drops(action, key) and any(_adds(a, table, context) for a in (*siblings, *context.later)):
        return Hazard(message, Rewrite(()))
    clause = added_constraint(action)
    waits = any(_drops(a, key) and _same(a, table, context) for a in (*siblings, *context.earlier))
    if clause is None or not _adds(action, table, context) or not waits:
        return None
    return Hazard(message, Rewrite(tuple(_parts(action, clause, table, key, context))))


def _same(action: Action, table: Table, context: Context) -> bool:
    return action.relation is not None and context.name(action.relation) == table.name


def _drops(action: Action, key: Constraint) -> bool:
    return action.kind == "ALTER TABLE DROP CONSTRAINT" and action.node.get("name") == key.name


def _adds(action: Action, table: Table, context: Context) -> bool:
    """Whether it adds a primary key to the table whose index has to be built."""
    clause = added_constraint(action) if action.kind == "ALTER TABLE ADD CONSTRAINT" else None
    primary = clause is not None and clause.kind is ConstraintKind.PRIMARY_KEY and clause.using_index is None
    return primary and _same(action, table, context)


def _parts(action: Action, clause: ConstraintClause, table: Table, key: Constraint, context: Context) -> Iterable[Part]:
    name = clause.name or chosen_name(clause, action, replace(context, catalog=_without(context.catalog, table, key)))
    helper = helper_name(table.name.name, "pkey")
    yield from not_null_parts(action, clause.columns, context)
    yield index_part(clause, helper, action, context)
    drop = f"{alter(action, context)} DROP CONSTRAINT {quote(key.name)}"
    yield Part(drop, f"the new key of {subject(action, context)} stands ready", with_next=True)
    yield using_part(clause, name, helper, action, context)


def _without(catalog: Catalog, table: Table, key: Constraint) -> Catalog:
    kept = replace(
        table,
        constraints=tuple(c for c in table.constraints if c.name != key.name),
        indexes=tuple(i for i in table.indexes if i.constraint != key.name),
    )
    return catalog.with_table(kept)


RULE = Rule("primary-key-gap", Severity.ERROR, Category.OUTAGE, _match)
