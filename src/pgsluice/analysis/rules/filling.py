"""Filling a new column of a table in use, batch by batch, instead of rewriting the table."""

from pgsluice.analysis.parsing.statements import parse_statement
from pgsluice.analysis.rules.rule import NoRewrite, Part
from pgsluice.model.catalog import Table, TableKind, Trigger
from pgsluice.model.plan import PhaseName
from pgsluice.model.postgres.identifiers import QualifiedName, quote
from pgsluice.model.steps import Fill

_ON_UPDATE = 16
"""TRIGGER_TYPE_UPDATE in src/include/catalog/pg_trigger.h: a bit of CreateTrigStmt.events."""


def fill(table: QualifiedName, column: str, expression: str, reason: str) -> Part:
    """The rows that were there before get a value each; rows that have one are left alone."""
    where = f"{quote(column)} IS NULL"
    return Part(
        f"UPDATE {table} SET {quote(column)} = {expression} WHERE {where}",
        reason,
        PhaseName.MIGRATE,
        fill=Fill(str(table), ((column, expression),), where),
    )


def obstacle(table: Table) -> NoRewrite | None:
    """Why filling would not end where the plain statement does: what fires for an UPDATE does not fire for a rewrite."""
    firing = [t.name for t in table.triggers if t.enabled and _fires(t)]
    if firing or table.rules:
        what = f"the triggers {', '.join(firing)}" if firing else f"the rules {', '.join(table.rules)}"
        return NoRewrite(
            f"filling the column updates every row, and {what} of {table.name} would act on each update",
            "add the column without the default, set the default, and fill the rows in a way that the triggers bear",
        )
    if table.kind is not TableKind.TABLE or table.children:
        return NoRewrite(
            f"{table.name} has partitions or children, and filling goes by one table",
            "add the column without the default, set the default, and fill the tables one by one",
        )
    return None


def _fires(trigger: Trigger) -> bool:
    """Whether it fires for an update of a column that it cannot name, since the column is new."""
    node = parse_statement(trigger.definition).node
    return bool(node.get("events", 0) & _ON_UPDATE) and not node.get("columns")
