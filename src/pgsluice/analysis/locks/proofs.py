"""What a CHECK proves, as far as the server's own reasoning goes."""

import re
from functools import lru_cache

from pgsluice.analysis.parsing.statement import Node
from pgsluice.analysis.parsing.trees import strings
from pgsluice.model.catalog import Constraint


def says_not_null(constraint: Constraint, column: str) -> bool:
    """Whether the CHECK implies that the column is not NULL, for the server: `c IS NOT NULL`, alone or in an AND.

    Source: ConstraintImpliedByRelConstraint in src/backend/commands/tablecmds.c, tried on servers."""
    return column in _not_null_columns(constraint.definition)


@lru_cache(maxsize=512)
def _not_null_columns(definition: str) -> frozenset[str]:
    from pgsluice.analysis.parsing.actions import action_of

    text = re.sub(r"\s+(NOT VALID|NO INHERIT|NOT ENFORCED)\s*\Z", "", definition)
    try:
        node = action_of(f"ALTER TABLE t ADD {text}").node
    except Exception:
        return frozenset()
    return frozenset(_proved(node.get("def", {}).get("Constraint", {}).get("raw_expr", {})))


def _proved(node: Node) -> list[str]:
    if (test := node.get("NullTest")) and test.get("nulltesttype") == "IS_NOT_NULL":
        fields = strings(test.get("arg", {}).get("ColumnRef", {}).get("fields", ()))
        return [fields[-1]] if fields else []
    both = node.get("BoolExpr", {})
    if both.get("boolop") == "AND_EXPR":
        return [name for argument in both.get("args", ()) for name in _proved(argument)]
    return []
