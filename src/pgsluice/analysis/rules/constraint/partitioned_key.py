"""The UNIQUE or PRIMARY KEY of a partitioned table: on each partition first, where its index can be built concurrently, then on the parent
alone, which is brief, and each partition's attached."""

from dataclasses import replace

from pgsluice.analysis.parsing.constraints import ConstraintClause, table_constraint
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.tokens import tokens
from pgsluice.analysis.rules import evidence
from pgsluice.analysis.rules.rule import Context, Part
from pgsluice.model.catalog import Catalog, ConstraintKind, Index, Table, TableKind
from pgsluice.model.names import primary_key_name, unique_name
from pgsluice.model.postgres.identifiers import QualifiedName


def partitioned_key(clause: ConstraintClause, action: Action, table: Table, context: Context) -> tuple[Part, ...] | None:
    """The parts; None where a partition has such a constraint already, or is of a kind that has none, and for ONLY."""
    if action.only or clause.deferrable:
        return None
    preflight = evidence.no_duplicates(context, table.name, clause.columns, nulls_distinct=not clause.nulls_not_distinct)
    first = 2 if (words := tokens(clause.sql))[0].word == "CONSTRAINT" else 0
    clause, name = replace(clause, sql=clause.sql[words[first].start :]), clause.name or _chosen(clause, table, context.catalog)
    catalog = _with_name(context.catalog, table, name)
    try:
        _, below = _level(clause, table, name, catalog)
    except _UnsureError:
        return None
    return (replace(below[0], preflight=preflight), *below[1:])


class _UnsureError(Exception):
    pass


def _level(clause: ConstraintClause, table: Table, name: str, catalog: Catalog) -> tuple[Catalog, list[Part]]:
    """The parts for a partitioned table and all below it: first its partitions' constraints, then its own, then they are attached."""
    parts: list[Part] = []
    attached: list[Part] = []
    above = QualifiedName(table.name.schema, name)
    for child_name in table.children:
        child = catalog.table(child_name)
        if child is None or child.kind not in (TableKind.TABLE, TableKind.PARTITIONED) or _has_one(clause, child):
            raise _UnsureError
        own = _chosen(clause, child, catalog)
        catalog = _with_name(catalog, child, own)
        if child.kind is TableKind.PARTITIONED:
            catalog, further = _level(clause, child, own, catalog)
            parts += further
        else:
            parts.append(Part(f"ALTER TABLE {child.name} ADD {table_constraint(clause, own)}", f"the constraint of {child.name}"))
        attach = f"ALTER INDEX {above} ATTACH PARTITION {QualifiedName(child.name.schema, own)}"
        attached.append(Part(attach, f"the constraint of {child.name} becomes a part of the parent's"))
    alone = f"ALTER TABLE ONLY {table.name} ADD {table_constraint(clause, name)}"
    return catalog, [*parts, Part(alone, "brief: makes the constraint of the parent alone"), *attached]


def _has_one(clause: ConstraintClause, child: Table) -> bool:
    """One that the server might take for the partition's, or that leaves no room for another primary key."""
    same = any(i.unique and i.keys == clause.columns for i in child.indexes)
    return same or (clause.kind is ConstraintKind.PRIMARY_KEY and child.primary_key is not None)


def _chosen(clause: ConstraintClause, table: Table, catalog: Catalog) -> str:
    if clause.kind is ConstraintKind.PRIMARY_KEY:
        return primary_key_name(catalog, table.name)
    return unique_name(catalog, table.name, clause.key_names + clause.include)


def _with_name(catalog: Catalog, table: Table, name: str) -> Catalog:
    known = catalog.table(table.name) or table
    taken = Index(QualifiedName(table.name.schema, name), table.name, "", valid=False)
    return catalog.with_table(replace(known, indexes=(*known.indexes, taken)))
