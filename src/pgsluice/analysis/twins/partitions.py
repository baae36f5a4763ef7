"""A twin in a partitioned table, which stands in all of its partitions: where there is none, and why."""

from collections.abc import Iterator
from dataclasses import replace

from pgsluice.analysis.twins.triggers import side_effects
from pgsluice.analysis.twins.twin import Twin
from pgsluice.model.catalog import Column, Table, TableKind
from pgsluice.model.postgres.identifiers import literal
from pgsluice.model.postgres.name_use import words_of


def no_twin_in_partitions(twin: Twin) -> Iterator[str]:
    """Why the rows of a partitioned table cannot have one."""
    table, column = twin.table, twin.column
    if any(column.name in words_of(t.partition_key or "") for t in twin.tables):
        yield f"{twin.name} is in a partition key, and the server changes the type of no such column: make a new table, and move the rows"
    if table.parents:
        yield f"{table.name} is a partition itself: the type is that of its parent"
    for child in twin.tables:
        yield from side_effects(child)
        yield from _unlike(child, twin)


def same_partitions(*trees: tuple[Table, ...]) -> Iterator[str]:
    """One statement for each tree of a table and all below it, that fails where the partitions are not those any more which were planned
    for: a new one would be left out."""
    for tree in trees:
        if tree[0].kind is TableKind.PARTITIONED:
            yield _same(tree)


def _same(tree: tuple[Table, ...]) -> str:
    root, *rest = [f"{literal(str(t.name))}::pg_catalog.regclass" for t in tree]
    body = f"""
BEGIN
    IF EXISTS (SELECT relid FROM pg_catalog.pg_partition_tree({root}) WHERE relid NOT IN ({", ".join([root, *rest])}))
       OR (SELECT count(*) FROM pg_catalog.pg_partition_tree({root})) <> {len(tree)} THEN
        RAISE EXCEPTION 'the partitions of % are not those any more that the plan was made for', {literal(str(tree[0].name))}
            USING HINT = 'Take a new one away again (DETACH), or roll back and run again.';
    END IF;
END
"""
    return f"DO {literal(body)}"


def _unlike(child: Table, twin: Twin) -> Iterator[str]:
    """What a partition has otherwise than its parent, or that cannot be seen."""
    unknown = [name for name in child.children if twin.catalog.table(name) is None]
    if unknown or child.kind not in (TableKind.TABLE, TableKind.PARTITIONED):
        yield f"{child.name} is a {child.kind}" if not unknown else f"nothing is known of its partition {unknown[0]}"
    own = child.column(twin.column.name)
    if child is not twin.table and (own is None or _plain(own) != _plain(replace(twin.column, comment=None, privileges=()))):
        yield f"{twin.name} of the partition {child.name} has a default, a statistics target, a comment or privileges of its own"


def _plain(column: Column) -> Column:
    return replace(column, sequence=None, has_missing_value=False, identity="")
