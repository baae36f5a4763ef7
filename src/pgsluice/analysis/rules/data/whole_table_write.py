"""An UPDATE or DELETE of all rows of a table that was there before.

## What it does

Without `WHERE`, or with a condition that is always true, every row is changed or goes.

## Why it is dangerous

Rows that the running release needs, and those that it has written since the file was, are gone or changed, and no rollback of the deploy
brings them back. A forgotten condition looks just the same.

## The safe way

Say which rows are meant. Where all of them are, write so: allow the rule with its reason above the statement.

## When the safe way does not apply

For tables and columns that the same file makes nothing is said, and of an UPDATE of a large table `unbatched-write` says more.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action, Node
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if action.relation is None or not _is_everything(action.node.get("whereClause", {})):
        return None
    if "usingClause" in action.node or "fromClause" in action.node or not context.stood_before(context.name(action.relation)):
        return None
    name = context.described(context.name(action.relation))
    if action.kind == "DELETE":
        return Hazard(f"all rows of {name} go, those that the running release has just written too", None)
    changed = {t["ResTarget"].get("name") for t in action.node.get("targetList", ()) if "ResTarget" in t}
    said = context.busy(context.name(action.relation)) or changed <= _added(action, context)
    return None if said else Hazard(f"all rows of {name} are changed", None)


def _is_everything(where: Node) -> bool:
    """No condition, TRUE, or a constant that equals itself."""
    if not where:
        return True
    if "A_Const" in where:
        return bool(where["A_Const"].get("boolval", {}).get("boolval"))
    compared = where.get("A_Expr", {})
    left, right = compared.get("lexpr", {}), compared.get("rexpr", {})
    same = _value(left) is not None and _value(left) == _value(right)
    return same and [n.get("String", {}).get("sval") for n in compared.get("name", ())] == ["="]


def _value(node: Node) -> object:
    """The value of a constant, or the name of a column that is compared with itself is none: it may be NULL."""
    constant = node.get("A_Const", {})
    return next(((k, str(constant[k])) for k in ("ival", "sval", "fval") if k in constant), None)


def _added(action: Action, context: Context) -> frozenset[object]:
    """The columns that the same file has added to the table: no release knows their values."""
    return frozenset(
        a.node["def"]["ColumnDef"].get("colname")
        for a in context.earlier
        if a.kind == "ALTER TABLE ADD COLUMN"
        and a.relation is not None
        and action.relation is not None
        and a.relation[1] == action.relation[1]
    )


RULE = Rule("whole-table-write", Severity.WARNING, Category.DATA, _match, kinds=frozenset({"UPDATE", "DELETE"}))
