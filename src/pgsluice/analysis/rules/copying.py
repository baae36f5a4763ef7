"""Whether an INSERT ... SELECT may be done in batches: in the order of a unique key of the table that it reads, each row once."""

from pgsluice.analysis.locks.cast import ancestors, descendants
from pgsluice.analysis.parsing.row_copies import RowCopy, row_copy
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.batching import place_in_order, read_tables
from pgsluice.model.catalog import Catalog, Table, TableKind
from pgsluice.model.steps import Copy, Fill


def copied(action: Action, target: Table, catalog: Catalog) -> Fill | str:
    """The statement as a batched change, or why it cannot be one. `action` is an INSERT into `target`."""
    copy = row_copy(action)
    source = catalog.table(catalog.resolve(*copy.source))
    reason = _unfit(copy, action, source, target, catalog)
    if reason is not None or source is None:
        return reason or f"{'.'.join(filter(None, copy.source))} is no table that is known"
    key = place_in_order(source, only=copy.only)
    if key is None:
        return f"{source.name} has no unique key that holds each row's place (valid, without NULLs)"
    where = f"({copy.where})" if copy.where else "true"
    return Fill(str(source.name), (), where, key, copy.alias, copy.only, Copy(str(target.name), copy.head, copy.tail))


def _unfit(copy: RowCopy, action: Action, source: Table | None, target: Table, catalog: Catalog) -> str | None:
    if copy.beyond:
        return f"it uses {', '.join(copy.beyond)}, which batches do not know"
    for table in (target, *filter(None, [source])):
        if table.kind not in (TableKind.TABLE, TableKind.PARTITIONED):
            return f"{table.name} is a {table.kind}"
        if table.rules:
            return f"the rules {', '.join(table.rules)} of {table.name} would act on each batch"
    query = {"SelectStmt": action.node.get("selectStmt", {}).get("SelectStmt", {})}
    if {catalog.resolve(*name) for name in read_tables(query)} & {target.name, *descendants(catalog, target), *ancestors(catalog, target)}:
        return "it reads the table that it writes, and so what earlier batches have written"
    return _looks_across(copy, catalog)


def _looks_across(copy: RowCopy, catalog: Catalog) -> str | None:
    """An aggregate of the user's makes one row of many, anew in each batch."""
    called = {name for _, name in copy.values.functions} if copy.values else set()
    odd = next((f.name for f in catalog.functions if f.kind in ("aggregate", "window function") and f.name.name in called), None)
    return f"{odd} looks at more than one row" if odd else None
