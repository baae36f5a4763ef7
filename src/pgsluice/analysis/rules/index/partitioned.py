"""The index of a partitioned table, built without holding up anybody: on the parent alone, which is brief and leaves it invalid, then
concurrently on each partition, and attached one by one. With the last one the parent's index becomes valid."""

from collections.abc import Iterator
from dataclasses import replace

from pgsluice.analysis.parsing.indexes import IndexDefinition
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.index.definition import name_in, on_table, plain_keys
from pgsluice.analysis.rules.rule import Context, NoRewrite, Part, Rewrite
from pgsluice.model.catalog import Catalog, Index, Table, TableKind
from pgsluice.model.names import index_name
from pgsluice.model.postgres.identifiers import QualifiedName
from pgsluice.model.steps import Preflight


def partitioned_build(
    action: Action, index: IndexDefinition, table: Table, context: Context, preflight: tuple[Preflight, ...]
) -> Rewrite | NoRewrite:
    """The parts for all levels of partitions, with the names that PostgreSQL would choose; a partition that has such an index keeps it."""
    catalog = context.catalog
    name = QualifiedName(table.name.schema, name_in(catalog, table.name, index))
    catalog = _with_index(catalog, table, name)
    parts: list[Part] = [
        Part(on_table(action, index, name.name, table.name, "ON ONLY"), "brief: makes the index of the parent alone", preflight=preflight)
    ]
    try:
        _, below = _below(action, index, table, name, catalog)
    except _UnsureError as unsure:
        return _cannot(str(unsure))
    return Rewrite((*parts, *below))


class _UnsureError(Exception):
    pass


def _below(action: Action, index: IndexDefinition, table: Table, above: QualifiedName, catalog: Catalog) -> tuple[Catalog, list[Part]]:
    """The parts for the partitions of a table, whose own index is `above`."""
    parts: list[Part] = []
    for child in _children(table, index, catalog):
        made = _standing(index, child)
        if made is None:
            made = QualifiedName(child.name.schema, index_name(catalog, child.name, index.key_names))
            catalog = _with_index(catalog, child, made)
            parts += _made(action, index, child, made)
            if child.kind is TableKind.PARTITIONED:
                catalog, further = _below(action, index, child, made, catalog)
                parts += further
        attach = f"ALTER INDEX {above} ATTACH PARTITION {made}"
        parts.append(Part(attach, f"the index of {child.name} becomes a part of the parent's"))
    return catalog, parts


def _children(table: Table, index: IndexDefinition, catalog: Catalog) -> Iterator[Table]:
    for name in table.children:
        child = catalog.table(name)
        if child is None:
            raise _UnsureError(f"nothing is known of its partition {name}")
        if child.kind is not TableKind.FOREIGN:
            yield child
        elif index.unique:
            raise _UnsureError(f"its partition {name} is a foreign table")


def _made(action: Action, index: IndexDefinition, child: Table, name: QualifiedName) -> list[Part]:
    if child.kind is TableKind.PARTITIONED:
        return [Part(on_table(action, index, name.name, child.name, "ON ONLY"), f"brief: makes the index of {child.name} alone")]
    return [Part(on_table(action, index, name.name, child.name, "ON", "CONCURRENTLY "), "builds the index while reads and writes go on")]


def _standing(index: IndexDefinition, child: Table) -> QualifiedName | None:
    """An index of the partition that the server would attach instead of making one; raises _UnsureError where that cannot be told."""
    like = [i for i in child.indexes if i.keys == index.columns and i.unique == index.unique and i.method == index.method]
    like = [i for i in like if i.parent is None and i.valid and i.include == index.include]
    if not like:
        return None
    if not plain_keys(index) or index.where is not None or any(i.predicate is not None or not i.plain for i in like):
        raise _UnsureError(f"{like[0].name} looks like the new index, and whether it is one cannot be told")
    if any(k.descending or k.nulls_first for k in index.keys):
        return None
    same = [i for i in like if i.nulls_not_distinct == index.nulls_not_distinct]
    return same[0].name if same else None


def _with_index(catalog: Catalog, table: Table, name: QualifiedName) -> Catalog:
    """So that the next name is chosen with this one taken."""
    known = catalog.table(table.name) or table
    return catalog.with_table(replace(known, indexes=(*known.indexes, Index(name, table.name, "", valid=False))))


def _cannot(why: str) -> NoRewrite:
    return NoRewrite(
        f"{why}",
        "CREATE INDEX CONCURRENTLY on each partition, CREATE INDEX ... ON ONLY the parent, ALTER INDEX ... ATTACH PARTITION for each",
    )
