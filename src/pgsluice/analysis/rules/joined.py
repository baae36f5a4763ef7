"""An UPDATE ... FROM or DELETE ... USING as a change of one table, whose rows ask the other one: so it can be done in batches."""

from collections.abc import Iterator

from pgsluice.analysis.parsing.actions import action_of
from pgsluice.analysis.parsing.expressions import Expression
from pgsluice.analysis.parsing.joined_changes import JoinedChange, joined_change
from pgsluice.analysis.parsing.row_changes import conjuncts
from pgsluice.analysis.parsing.statement import Action, Node
from pgsluice.analysis.parsing.trees import strings, walk
from pgsluice.model.catalog import Catalog, Table, TableKind
from pgsluice.model.postgres.identifiers import quote


def unjoined(action: Action, table: Table, catalog: Catalog) -> Action | str:
    """The same change with a subquery in the place of each use of the other table; the action itself where it is joined with nothing;
    else why that cannot be said. A row of the table must meet one row of the other one at most."""
    if "fromClause" not in action.node and "usingClause" not in action.node:
        return action
    change = joined_change(action)
    if change is None:
        return "it is joined with more than one plain table, or says more than SET and WHERE"
    source = catalog.table(catalog.resolve(*change.source))
    if source is None:
        return f"of {change.source[1]}, which it is joined with, nothing is known"
    if change.assignments and not _meets_one(change, table, source):
        return f"a row may meet several rows of {source.name}: no unique key of that is compared with `=` in the condition"
    return action_of(_rewritten(change, table, source))


def _rewritten(change: JoinedChange, table: Table, source: Table) -> str:
    from_ = f"FROM {change.source_sql} WHERE {change.where.sql}"
    texts = (f"(SELECT {v.sql} {from_})" if _reads_source(v.node, change, table, source) else v.sql for _, v in change.assignments)
    assigned = ", ".join(f"{quote(column)} = {text}" for (column, _), text in zip(change.assignments, texts, strict=True))
    return f"{change.head}{assigned and f' SET {assigned}'} WHERE EXISTS (SELECT {from_})"


def _meets_one(change: JoinedChange, table: Table, source: Table) -> bool:
    """Whether the condition holds all columns of a unique key of the other table to values that do not depend on it."""
    if source.children and source.kind is TableKind.TABLE and not change.only:
        return False
    late = {c.index for c in source.constraints if c.deferrable}
    held = frozenset(_held(change.where, change, table, source))
    keys = (i for i in source.indexes if i.unique and i.valid and i.plain and i.predicate is None and i.name not in late)
    return any(bool(i.keys) and all(k in held for k in i.keys) for i in keys)


def _held(where: Expression, change: JoinedChange, table: Table, source: Table) -> Iterator[str]:
    for compared in (c.get("A_Expr", {}) for c in conjuncts(where.node)):
        if compared.get("kind") != "AEXPR_OP" or strings(compared.get("name", ())) != ("=",):
            continue
        for one, other in ((compared["lexpr"], compared["rexpr"]), (compared["rexpr"], compared["lexpr"])):
            column = _source_column(one, change, table, source)
            collated = any(kind == "CollateClause" for kind, _ in walk(other))
            if column is not None and not collated and not _reads_source(other, change, table, source):
                yield column


def _source_column(node: Node, change: JoinedChange, table: Table, source: Table) -> str | None:
    """The column of the other table that a ColumnRef names; None for anything else."""
    names = strings(node.get("ColumnRef", {}).get("fields", ()))
    if not names or not _reads_source(node, change, table, source):
        return None
    return names[-1] if source.column(names[-1]) is not None else None


def _reads_source(node: Node, change: JoinedChange, table: Table, source: Table) -> bool:
    """Whether an expression may name the other table: a subquery counts as one that does."""
    return any(kind == "SubLink" or (kind == "ColumnRef" and not _own(body, change, table, source)) for kind, body in walk(node))


def _own(reference: Node, change: JoinedChange, table: Table, source: Table) -> bool:
    names = strings(reference.get("fields", ()))
    if len(names) > 1:
        return names[-2] == change.target and change.target != change.alias
    return bool(names) and table.column(names[0]) is not None and source.column(names[0]) is None and names[0] != change.alias
