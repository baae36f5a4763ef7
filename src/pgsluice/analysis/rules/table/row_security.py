"""Row level security that is switched on for a table in use.

## What it does

From the commit on, roles that neither own the table nor have BYPASSRLS see and change only the rows that a policy grants them. Without a
policy that is none. `FORCE` binds the owner, too.

## Why it is dangerous

Queries do not fail: they find nothing. A release that reads zero rows shows empty pages, and a job that deletes what it cannot see
elsewhere deletes too much.

## The safe way

Make the policies first, then switch row level security on.

## When the safe way does not apply

Where a policy is there already, made by an earlier statement or file, nothing is said.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if action.relation is None or not context.stood_before(context.name(action.relation)):
        return None
    table = context.table(action)
    made = any(a.kind == "CREATE POLICY" and a.relation is not None and a.relation[1] == action.relation[1] for a in context.earlier)
    if made or (table is not None and table.policies):
        return None
    whom = "the owner finds" if "FORCE" in action.kind else "everybody but its owner finds"
    return Hazard(f"{whom} no row of {context.name(action.relation)} any more until a policy grants some: make the policies first", None)


RULE = Rule(
    "row-security",
    Severity.WARNING,
    Category.RELEASE,
    _match,
    kinds=frozenset({"ALTER TABLE ENABLE ROW LEVEL SECURITY", "ALTER TABLE FORCE ROW LEVEL SECURITY"}),
)
