"""A UNIQUE or PRIMARY KEY that builds its index while nobody can use the table.

## What it does

`ADD UNIQUE` and `ADD PRIMARY KEY` take ACCESS EXCLUSIVE on the table and hold it while they build the constraint's index.
A primary key also looks for a NULL in every row of each column that is not NOT NULL.

## Why it is dangerous

Every read and every write of the table waits until the index is built, minutes for some ten million rows. If two
rows are equal the statement fails at that point, after all the waiting.

## The safe way

Columns of a primary key become NOT NULL first, each the safe way. Then a unique index is built `CONCURRENTLY`, under the
name of the constraint and with the same INCLUDE, NULLS NOT DISTINCT, WITH and tablespace, and `ADD CONSTRAINT ... USING
INDEX` makes it the constraint's: a brief step. A query looks for duplicates before anything changes.

A partitioned table gets its key by way of its partitions: each its own, the same way, then the parent alone, which is brief, and each
partition's index is attached.

## When the safe way does not apply

Where a partition has such an index already, and for a deferrable key of a partitioned table.
`WITHOUT OVERLAPS` (18) has no concurrent build.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.constraints import ConstraintClause, added_constraint
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules import evidence
from pgsluice.analysis.rules.alteration import alter, spelled, subject
from pgsluice.analysis.rules.constraint.partitioned_key import partitioned_key
from pgsluice.analysis.rules.rule import Context, Hazard, NoRewrite, Part, Rewrite, Rule
from pgsluice.model.catalog import ConstraintKind, TableKind
from pgsluice.model.finding import Category, Severity
from pgsluice.model.names import primary_key_name, unique_name
from pgsluice.model.postgres.identifiers import quote

_KINDS = (ConstraintKind.UNIQUE, ConstraintKind.PRIMARY_KEY)


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    clause = added_constraint(action)
    if clause is None or clause.kind not in _KINDS or clause.using_index or not context.hurts(impact):
        return None
    message = f"nobody can read or write {context.described(subject(action, context))} until the constraint's index is built"
    table = context.table(action)
    if clause.without_overlaps:
        return Hazard(message, _OVERLAPS)
    if table is not None and table.kind is TableKind.PARTITIONED:
        parts = partitioned_key(clause, action, table, context)
        return Hazard(message, _PARTITIONED if parts is None else Rewrite((*_columns_first(clause, action, context), *parts)))
    primary = clause.kind is ConstraintKind.PRIMARY_KEY
    if primary and table is not None and table.primary_key is not None:
        return None
    not_null = not_null_parts(action, clause.columns, context) if primary else ()
    return Hazard(message, Rewrite((*not_null, *_parts(clause, action, context))))


def _columns_first(clause: ConstraintClause, action: Action, context: Context) -> tuple[Part, ...]:
    return not_null_parts(action, clause.columns, context) if clause.kind is ConstraintKind.PRIMARY_KEY else ()


def not_null_parts(action: Action, columns: tuple[str, ...], context: Context) -> tuple[Part, ...]:
    """SET NOT NULL for each of a primary key's columns that does not have it: another rule makes it safe."""
    table = context.table(action)
    known = {c.name: c for c in table.columns} if table is not None else {}
    needed = [c for c in columns if c not in known or not known[c].not_null or not known[c].not_null_validated]
    start = alter(action, context)
    return tuple(Part(f"{start} ALTER COLUMN {quote(c)} SET NOT NULL", "a primary key's column has no NULL") for c in needed)


def _parts(clause: ConstraintClause, action: Action, context: Context) -> tuple[Part, Part]:
    name = clause.name or chosen_name(clause, action, context)
    return index_part(clause, name, action, context), using_part(clause, name, name, action, context)


def index_part(clause: ConstraintClause, index: str, action: Action, context: Context) -> Part:
    """The concurrent build of the constraint's index, under the name `index`."""
    table = subject(action, context)
    return Part(
        f"CREATE UNIQUE INDEX CONCURRENTLY {quote(index)} ON {spelled(action, context)} {_index_text(clause)}",
        "builds the constraint's index while reads and writes go on",
        preflight=evidence.no_duplicates(context, table, clause.columns, nulls_distinct=not clause.nulls_not_distinct),
        releases_notice=f"from here on {table} takes no second row with the same ({', '.join(map(quote, clause.columns))})",
    )


def using_part(clause: ConstraintClause, name: str, index: str, action: Action, context: Context) -> Part:
    """The constraint `name`, which takes the index over."""
    use = f"ADD CONSTRAINT {quote(name)} {clause.kind.upper()} USING INDEX {quote(index)}{_deferred(clause)}"
    return Part(f"{alter(action, context)} {use}", "makes the index the constraint's")


def chosen_name(clause: ConstraintClause, action: Action, context: Context) -> str:
    """The name that PostgreSQL would choose for the constraint."""
    table = subject(action, context)
    if clause.kind is ConstraintKind.PRIMARY_KEY:
        return primary_key_name(context.catalog, table)
    return unique_name(context.catalog, table, clause.key_names + clause.include)


def _index_text(clause: ConstraintClause) -> str:
    """What CREATE INDEX has behind ON table, for what the constraint's clause says."""
    parts = [f"({', '.join(map(quote, clause.columns))})"]
    if clause.include:
        parts.append(f"INCLUDE ({', '.join(map(quote, clause.include))})")
    if clause.nulls_not_distinct:
        parts.append("NULLS NOT DISTINCT")
    if clause.parameters:
        parts.append(f"WITH ({clause.parameters})")
    if clause.tablespace:
        parts.append(f"TABLESPACE {quote(clause.tablespace)}")
    return " ".join(parts)


def _deferred(clause: ConstraintClause) -> str:
    late = " INITIALLY DEFERRED" if clause.initially_deferred else ""
    return f" DEFERRABLE{late}" if clause.deferrable else ""


_OVERLAPS = NoRewrite(
    "WITHOUT OVERLAPS has no concurrent build", "add it in a maintenance window, or to a new table that takes the old one's place"
)
_PARTITIONED = NoRewrite(
    "a partitioned table cannot take an index that exists as its constraint's",
    "CREATE UNIQUE INDEX CONCURRENTLY on each partition, ADD CONSTRAINT ... USING INDEX there, then ALTER TABLE ONLY the parent and ATTACH",
)

RULE = Rule("blocking-unique-build", Severity.ERROR, Category.OUTAGE, _match)
