"""The columns that a statement makes, and who asks for them."""

from collections.abc import Callable, Iterable

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.columns import ColumnDefinition, column_definition
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.tables import table_definition
from pgsluice.analysis.rules.rule import Context, Hazard
from pgsluice.model.postgres.identifiers import quote

KINDS = frozenset({"CREATE TABLE", "ALTER TABLE ADD COLUMN"})


def new_columns(action: Action) -> tuple[ColumnDefinition, ...]:
    """Those of CREATE TABLE and ADD COLUMN."""
    if action.kind == "CREATE TABLE":
        made = table_definition(action)
        return made.columns if made is not None and made.persistence != "temporary" else ()
    column = column_definition(action)
    return (column,) if column is not None else ()


def of_columns(wanted: Callable[[ColumnDefinition], bool], message: str) -> Callable[[Action, Impact, Context], Hazard | None]:
    """A match for the columns that are `wanted`; `{columns}` in the message are their names."""

    def match(action: Action, impact: Impact, context: Context) -> Hazard | None:
        found = [c.name for c in new_columns(action) if wanted(c)]
        return Hazard(message.format(columns=named(found)), None) if found else None

    return match


def named(names: Iterable[str]) -> str:
    return ", ".join(map(quote, names))
