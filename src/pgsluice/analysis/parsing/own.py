"""The node of an action with locations that fit the action's own text, not its statement's."""

from functools import lru_cache

from pgsluice.analysis.parsing.actions import action_of
from pgsluice.analysis.parsing.statement import Action, Node


def own(action: Action) -> Node:
    """`action.node`, its locations counted in `action.sql`."""
    return action.node if action.sql == action.statement.sql else _parsed(action.sql)


@lru_cache(maxsize=512)
def _parsed(sql: str) -> Node:
    return action_of(sql).node
