"""A setting that changes for everybody: of the server, the database or a role.

## What it does

`ALTER SYSTEM`, `ALTER DATABASE ... SET` and `ALTER ROLE ... SET` write settings that outlive the migration. They reach
sessions that connect later (of ALTER SYSTEM: after a reload), not those that are there.

## Why it is dangerous

The application changes its behaviour at its next reconnect, hours later and one connection after the other, and nobody
thinks of the migration then. A rollback of the deploy does not take it back.

## The safe way

Keep settings where the server's configuration is kept; a migration that needs one sets it for its own session.

## When the safe way does not apply

Where the setting belongs to the schema, such as a role's search_path, allow the rule.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity

_WHOM = {
    "ALTER SYSTEM": "the whole server",
    "ALTER DATABASE SET": "all sessions of the database",
    "ALTER ROLE SET": "all sessions of the role",
}


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    name = action.node.get("setstmt", {}).get("name", "")
    return Hazard(f"{name or 'the settings'} changes for {_WHOM[action.kind]}, at each one's next reconnect or reload", None)


RULE = Rule("server-setting", Severity.WARNING, Category.RELEASE, _match, kinds=frozenset(_WHOM))
