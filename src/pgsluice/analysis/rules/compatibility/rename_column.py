"""A column that gets another name under the feet of the release that runs.

## What it does

`RENAME COLUMN` is brief: only the catalog changes.

## Why it is dangerous

Every statement of the running release that names the column fails from that moment on, and so do functions, which
PostgreSQL does not look into. The new release cannot run before, the old one not after: no order of deploying avoids the errors.
Views go on working, and keep showing the old name.

## The safe way

One brief transaction renames table and column and puts a view in the table's place that shows the column under both names: reads, writes,
upserts by column and RETURNING go on by either, and no row is copied. `contract` takes the view away and gives the table its
name back; `rollback` gives the column its old name.

## When the safe way does not apply

Nothing stands in a view's place that works on tables alone: TRUNCATE, COPY, ON CONFLICT ON CONSTRAINT, MERGE before 17, xmin and ctid, a
statement that sets both names. What the database itself holds of these is looked for: functions that use them, trigger
functions that name the column, publications (their subscribers know the table by its name), parents and children, row security
before 15. Each of them refuses the change, by name. Until `contract` the table takes no further ALTER TABLE.

Where nothing runs that names the column (or in a maintenance window) allow the rule with a directive on
the statement, or with `--allow rename-column`.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.naming_functions import may_use
from pgsluice.analysis.rules.rule import Context, Hazard, NoRewrite, Rewrite, Rule
from pgsluice.analysis.twins.view import no_view, renamed_column
from pgsluice.model.catalog import Table
from pgsluice.model.finding import Category, Severity
from pgsluice.model.postgres.identifiers import quote


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    table = context.table(action)
    if not action.kind.endswith(" RENAME COLUMN") or (table is not None and table.made_by_run):
        return None
    old = quote(action.node.get("subname", ""))
    where = context.name(action.relation) if action.relation else "its table"
    users = may_use(context.catalog, context.name(action.relation), action.node.get("subname", "")) if action.relation else ""
    message = f"statements of the running release that name {old} of {where} fail from that moment on{users}"
    return Hazard(message, _way(action, table, context))


def _way(action: Action, table: Table | None, context: Context) -> Rewrite | NoRewrite:
    old, new = action.node.get("subname", ""), action.node.get("newname", "")
    if table is None or table.column(old) is None or not action.kind.startswith("ALTER TABLE "):
        return _NONE
    reason = next(no_view(table, context.catalog, column=old), None)
    if reason is not None:
        return NoRewrite(f"no view can show the column under both names: {reason}", _NONE.next)
    return Rewrite(tuple(renamed_column(table, old, new, context.catalog)), declinable=True)


_NONE = NoRewrite(
    "a column has one name at a time",
    "add a column of the new name and move to it release by release; or, where no running release names it, "
    "write `-- pgsluice: allow rename-column because ...` above the statement",
)

RULE = Rule("rename-column", Severity.ERROR, Category.RELEASE, _match)
