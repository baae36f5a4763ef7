"""Effects on indexes."""

from dataclasses import replace

from pgsluice.analysis.parsing.expression_name import expression_name
from pgsluice.analysis.parsing.expressions import expression
from pgsluice.analysis.parsing.statement import Action, Node
from pgsluice.model.catalog import Catalog, Index, Table, TableKind
from pgsluice.model.names import index_name
from pgsluice.model.postgres.identifiers import QualifiedName


def created(action: Action, catalog: Catalog) -> Catalog:
    table = catalog.table(catalog.resolve(*action.relation)) if action.relation else None
    if table is None:
        return catalog
    name = action.node.get("idxname") or index_name(catalog, table.name, _names(action.node))
    if table.index(name) is not None:
        return catalog
    return catalog.with_table(replace(table, indexes=(*table.indexes, _index(action, table, name))))


def _elements(node: Node, field: str) -> list[Node]:
    return [e["IndexElem"] for e in node.get(field, [])]


def _names(node: Node) -> list[str]:
    both = _elements(node, "indexParams") + _elements(node, "indexIncludingParams")
    return [e.get("name") or e.get("indexcolname") or expression_name(e["expr"]) for e in both]


def _index(action: Action, table: Table, name: str) -> Index:
    node = action.node
    keys = _elements(node, "indexParams")
    include = tuple(e["name"] for e in _elements(node, "indexIncludingParams") if "name" in e)
    used = [e["name"] for e in keys if "name" in e]
    for part in (*(e["expr"] for e in keys if "expr" in e), *([node["whereClause"]] if "whereClause" in node else [])):
        used += expression("", part).columns
    plain = _plain(node, keys)
    return Index(
        name=QualifiedName(table.name.schema, name),
        table=table.name,
        definition="" if plain and not include and not node.keys() & {"whereClause", "nulls_not_distinct"} else action.sql,
        method=node.get("accessMethod", "btree"),
        keys=tuple(e.get("name") for e in keys),
        columns=frozenset((*used, *include)),
        include=include,
        predicate="" if "whereClause" in node else None,
        unique=bool(node.get("unique")),
        partitioned=table.kind is TableKind.PARTITIONED,
        plain=plain,
        nulls_not_distinct=bool(node.get("nulls_not_distinct")),
    )


def _plain(node: Node, keys: list[Node]) -> bool:
    special = ("opclass", "collation", "expr")
    ordered = any(
        k.get("ordering", "SORTBY_DEFAULT") != "SORTBY_DEFAULT" or k.get("nulls_ordering", "SORTBY_NULLS_DEFAULT") != "SORTBY_NULLS_DEFAULT"
        for k in keys
    )
    return node.get("accessMethod", "btree") == "btree" and not ordered and not any(s in k for k in keys for s in special)


def dropped(action: Action, catalog: Catalog) -> Catalog:
    name = catalog.resolve(*action.relation) if action.relation else None
    index = catalog.index(name) if name else None
    table = catalog.table(index.table) if index else None
    return catalog if table is None else catalog.with_table(replace(table, indexes=tuple(i for i in table.indexes if i.name != name)))


def renamed(action: Action, catalog: Catalog) -> Catalog:
    """An index's new name is its constraint's, too."""
    name = catalog.resolve(*action.relation) if action.relation else None
    index = catalog.index(name) if name else None
    table = catalog.table(index.table) if index else None
    if table is None or index is None:
        return catalog
    new = QualifiedName(index.name.schema, action.node["newname"])
    moved = replace(index, name=new, constraint=new.name if index.constraint else None)
    catalog = catalog.with_table(
        replace(
            table,
            indexes=tuple(moved if i.name == name else i for i in table.indexes),
            constraints=tuple(replace(c, name=new.name, index=new) if c.index == name else c for c in table.constraints),
        )
    )
    return _parent_renamed(catalog, table, index.name, new) if index.partitioned else catalog


def _parent_renamed(catalog: Catalog, table: Table, old: QualifiedName, new: QualifiedName) -> Catalog:
    for child in (c for name in table.children if (c := catalog.table(name)) is not None):
        indexes = tuple(replace(i, parent=new) if i.parent == old else i for i in child.indexes)
        catalog = catalog.with_table(replace(child, indexes=indexes))
    return catalog


def attached(action: Action, catalog: Catalog) -> Catalog:
    """ALTER INDEX ... ATTACH PARTITION: the other index is a part of this one."""
    command = action.node.get("def", {}).get("PartitionCmd", {}).get("name", {})
    parent = catalog.resolve(*action.relation) if action.relation else None
    child = catalog.index(catalog.resolve(command.get("schemaname"), command["relname"])) if "relname" in command else None
    table = catalog.table(child.table) if child else None
    if table is None or child is None:
        return catalog
    return catalog.with_table(
        replace(table, indexes=tuple(replace(i, parent=parent) if i.name == child.name else i for i in table.indexes))
    )
