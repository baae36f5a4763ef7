"""A REFRESH MATERIALIZED VIEW that blocks every reader of the view.

## What it does

`REFRESH MATERIALIZED VIEW` takes ACCESS EXCLUSIVE on the view and holds it while its query runs and its indexes are built.

## Why it is dangerous

Every read of the view waits for as long as its query takes.

## The safe way

`REFRESH MATERIALIZED VIEW CONCURRENTLY`: it compares the new rows with the old ones and changes what differs, while reads go on.

## When the safe way does not apply

It needs a unique index over plain columns of all rows (no expression, no WHERE), and rows in the view: a view without such an
index is not refreshed concurrently, and neither is `WITH NO DATA`.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.actions import is_concurrent
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, NoRewrite, Part, Rewrite, Rule
from pgsluice.analysis.rules.wording import inserted
from pgsluice.model.catalog import Table
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if action.kind != "REFRESH MATERIALIZED VIEW" or action.relation is None or is_concurrent(action):
        return None
    name, view = context.name(action.relation), context.table(action)
    if action.node.get("skipData") or not context.busy(name):
        return None
    message = f"nobody can read {name} while its query runs"
    return Hazard(message, _NONE if view is not None and not _comparable(view) else _concurrently(action))


def _comparable(view: Table) -> bool:
    """Whether it has an index by which the old and the new rows can be told apart."""
    return any(i.unique and i.valid and i.predicate is None and None not in i.keys for i in view.indexes)


def _concurrently(action: Action) -> Rewrite:
    sql = inserted(action.sql, "MATERIALIZED", "VIEW", text="CONCURRENTLY")
    return Rewrite((Part(sql, "reads go on while the view is brought up to date"),))


_NONE = NoRewrite(
    "the view has no unique index over plain columns of all rows",
    "create such an index (CREATE UNIQUE INDEX CONCURRENTLY), then refresh",
)

RULE = Rule("blocking-refresh", Severity.ERROR, Category.OUTAGE, _match, kinds=frozenset({"REFRESH MATERIALIZED VIEW"}))
