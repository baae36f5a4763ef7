"""An identity column that changes for the running release.

## What it does

`SET GENERATED ALWAYS` refuses INSERTs that name a value for the column, `DROP IDENTITY` ends the numbers: the column is NOT
NULL and has no default any more.

## Why it is dangerous

INSERTs of the running release fail from that moment on: those that name the column in the first case, those that leave it
out in the second.

## The safe way

First a release whose INSERTs suit both, then the statement. `DROP IDENTITY` belongs to the phase `contract`, which never runs by
itself, unless the same file gives the column a default or another identity.

## When the safe way does not apply

Where another default takes over in the same statement or file nothing is lost: allow the rule.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.changes import identity_sql
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity
from pgsluice.model.postgres.identifiers import quote


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if action.relation is None or not context.stood_before(context.name(action.relation)):
        return None
    name = quote(action.node.get("name", ""))
    if action.kind.endswith("DROP IDENTITY"):
        return Hazard(f"INSERTs of the running release that leave {name} out fail", None)
    always = "ALWAYS" in (identity_sql(action) or "").upper().split()
    return Hazard(f"INSERTs of the running release that name a value for {name} fail", None) if always else None


RULE = Rule(
    "identity-change",
    Severity.WARNING,
    Category.RELEASE,
    _match,
    kinds=frozenset({"ALTER TABLE SET IDENTITY", "ALTER TABLE DROP IDENTITY"}),
)
