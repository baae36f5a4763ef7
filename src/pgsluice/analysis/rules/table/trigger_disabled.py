"""Triggers that are switched off while the application writes.

## What it does

`DISABLE TRIGGER` takes SHARE ROW EXCLUSIVE, for which every write waits, until its transaction ends. Until `ENABLE` nothing that the
trigger does is done. `DISABLE TRIGGER ALL` switches off the triggers of foreign keys as well.

## Why it is dangerous

In one transaction with what is done meanwhile, writes of the application wait for all of it. In several, rows that the application
writes in between are not audited, not synchronised, and with `ALL` not checked against their foreign keys; nobody checks them later.

## The safe way

Leave the triggers on. Where only the migration's own changes are to be spared, `SET LOCAL session_replication_role = replica` in the
migration's transaction does so for its session alone (it needs the right to set it).

## When the safe way does not apply

For a trigger that is to go for good, drop it.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity
from pgsluice.model.postgres.identifiers import quote

_WHICH = {
    "ALTER TABLE DISABLE TRIGGER ALL": "no trigger of {table} fires, and its foreign keys are not checked",
    "ALTER TABLE DISABLE TRIGGER USER": "no trigger of {table} fires",
    "ALTER TABLE DISABLE TRIGGER": "{trigger} of {table} does not fire",
}


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if action.relation is None or not context.stood_before(context.name(action.relation)):
        return None
    what = _WHICH[action.kind].format(table=context.name(action.relation), trigger=quote(action.node.get("name", "it")))
    return Hazard(f"for the application's writes, too, {what}; in one transaction with its ENABLE all of them wait instead", None)


RULE = Rule("trigger-disabled", Severity.WARNING, Category.DATA, _match, kinds=frozenset(_WHICH))
