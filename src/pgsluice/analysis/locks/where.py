"""Whether a WHERE clause spares a statement the reading of the whole table."""

from pgsluice.analysis.locks.subject import Subject
from pgsluice.analysis.parsing.statement import Node
from pgsluice.analysis.parsing.trees import strings
from pgsluice.model.catalog import Table

_COMPARISONS = frozenset(("=", "<", ">", "<=", ">=", "BETWEEN"))


def reads_everything(subject: Subject) -> bool:
    """True where the statement has no WHERE, or none that compares the first column of a valid index with something."""
    where = subject.action.node.get("whereClause")
    if where is None or subject.table is None:
        return True
    return not (_compared(where) & _indexed(subject.table))


def _indexed(table: Table) -> frozenset[str]:
    return frozenset(i.keys[0] for i in table.indexes if i.valid and i.predicate is None and i.keys and i.keys[0])


def _compared(node: Node) -> frozenset[str]:
    """The columns that the condition, or one side of its ANDs, compares."""
    both = node.get("BoolExpr", {})
    if both.get("boolop") == "AND_EXPR":
        return frozenset(name for argument in both.get("args", ()) for name in _compared(argument))
    comparison = node.get("A_Expr", {})
    if strings(comparison.get("name", ()))[-1:] and strings(comparison["name"])[-1] in _COMPARISONS:
        return frozenset((*_column(comparison.get("lexpr", {})), *_column(comparison.get("rexpr", {}))))
    return frozenset()


def _column(node: Node) -> tuple[str, ...]:
    return strings(node.get("ColumnRef", {}).get("fields", ()))[-1:]
