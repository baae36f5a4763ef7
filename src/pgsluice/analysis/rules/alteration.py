"""The words that an ALTER TABLE of ours begins with."""

from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context
from pgsluice.model.postgres.identifiers import QualifiedName, quote


def subject(action: Action, context: Context) -> QualifiedName:
    """The table that the action alters."""
    return context.name(action.relation or (None, ""))


def spelled(action: Action, context: Context) -> str:
    """The table as our SQL names it: qualified, unless the catalog that the schema would come from was not read."""
    schema, name = action.relation or (None, "")
    return quote(name) if schema is None and not context.catalog.known else str(context.name((schema, name)))


def alter(action: Action, context: Context) -> str:
    """`ALTER TABLE schema.name`, with ONLY where the user's has it, and IF EXISTS where it matters."""
    maybe = "IF EXISTS " if action.if_exists and context.table(action) is None else ""
    return f"ALTER TABLE {maybe}{'ONLY ' if action.only else ''}{spelled(action, context)}"
