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

Nothing stands in a view's place that works on tables alone: TRUNCATE, COPY, ON CONFLICT ON CONSTRAINT, MERGE before 17, xmin and ctid, a
statement that sets both names. What the database itself holds of these is looked for: functions that use them, row security before 15,
publications (their subscribers know the table by its name). Where there is such a thing, and in a table that is a view's already, the
column gets a *twin* instead: a second column of the new name, filled, with everything that hangs on the first one (indexes, constraints,
foreign keys both ways, NOT NULL, privileges, comment) made on it, too. From then on both may be written, and a trigger keeps them the
same; views of yours read the new one. `contract` drops the old one, whose names the new one's indexes and constraints take. The plan says
which way was chosen, and why.

## When the safe way does not apply

Trigger functions that name the column know one name of two, and refuse the change by either way, as do parents and children. A twin
is also refused for what refuses one in a change of type (exclusion constraints, policies, generated columns, extended statistics,
triggers that fire after each update), for a materialised view of the column, and where it may be NULL and has a default which is
another value each time. Each of them is named. Until `contract` the table behind a view takes no further ALTER TABLE.

Where nothing runs that names the column (or in a maintenance window) allow the rule with a directive on
the statement, or with `--allow rename-column`.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.naming_functions import may_use
from pgsluice.analysis.rules.rule import Context, Hazard, NoRewrite, Rewrite, Rule
from pgsluice.analysis.twins.renamed import no_twin, renamed_by_twin, twin_of
from pgsluice.analysis.twins.twin import NotKeptError
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
        return _by_twin(table, old, new, f"no view can show the column under both names: {reason}", context)
    return Rewrite(tuple(renamed_column(table, old, new, context.catalog, context.doomed(table))), declinable=True)


def _by_twin(table: Table, old: str, new: str, why: str, context: Context) -> Rewrite | NoRewrite:
    column = table.column(old)
    assert column is not None, "it was asked before"
    twin = twin_of(context.catalog, context.start, table, column, new)
    reason = next(no_twin(twin), None)
    if reason is not None:
        return NoRewrite(f"{why}; and no column {quote(new)} can stand beside {quote(old)}: {reason}", _NONE.next)
    try:
        return Rewrite(renamed_by_twin(twin, why), declinable=True)
    except NotKeptError as error:
        return NoRewrite(f"{why}; and a column {quote(new)} cannot have what {quote(old)} has: {error}", _NONE.next)


_NONE = NoRewrite(
    "a column has one name at a time",
    "add a column of the new name and move to it release by release; or, where no running release names it, "
    "write `-- pgsluice: allow rename-column because ...` above the statement",
)

RULE = Rule("rename-column", Severity.ERROR, Category.RELEASE, _match)
