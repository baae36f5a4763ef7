"""A constraint that is dropped and added again under its name: the new one is validated before the old one goes."""

from pgsluice.analysis.effects.hanging import carriers, ends
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.tokens import tokens
from pgsluice.analysis.rules.rule import Context, Part
from pgsluice.model.catalog import Catalog, ConstraintKind
from pgsluice.model.postgres.identifiers import helper_name, quote

_BETWEEN = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "COPY", "DO", "SELECT", "CALL", "UNKNOWN", "TRUNCATE"})
"""What may write rows that only the absence of the old constraint lets in."""


def replaced_later(action: Action, later: tuple[Action, ...], catalog: Catalog) -> bool:
    """Whether a DROP CONSTRAINT is followed by an ADD of the same name that can take its place in one strike, with nothing in between
    for which the old one has to be gone."""
    if action.kind != "ALTER TABLE DROP CONSTRAINT" or action.node.get("behavior") == "DROP_CASCADE":
        return False
    held = carriers(action, catalog)
    for other in later:
        if added_name(other) == action.node.get("name") and other.relation == action.relation:
            return not _primary(other)
        if other.kind in _BETWEEN or ends(other) & held:
            return False
    return False


def added_name(action: Action) -> str | None:
    """The name that an ADD CONSTRAINT gives, None without one."""
    if action.kind != "ALTER TABLE ADD CONSTRAINT":
        return None
    name: str | None = action.node["def"]["Constraint"].get("conname")
    return name


def _drops(action: Action, name: str) -> bool:
    return action.kind == "ALTER TABLE DROP CONSTRAINT" and action.node.get("name") == name


def _primary(action: Action) -> bool:
    """Two primary keys cannot stand side by side."""
    return bool(action.node["def"]["Constraint"].get("contype") == "CONSTR_PRIMARY")


def exchange(action: Action, statement: tuple[Action, ...], context: Context) -> tuple[Part, ...] | None:
    """The parts that put the constraint of an ADD in the place of the one with its name, which the file drops before; None where no such
    one stands."""
    name, table = added_name(action), context.table(action)
    old = table.constraint(name) if table and name else None
    if old is None or table is None or name is None or old.kind is ConstraintKind.PRIMARY_KEY:
        return None
    if not any(_drops(a, name) and context.table(a) is table for a in (*context.earlier, *statement)):
        return None
    helper = helper_name(table.name.name, name)
    words = tokens(action.sql)
    at = next(i for i, t in enumerate(words) if t.word == "CONSTRAINT")
    added = f"{action.sql[: words[at + 1].start]}{quote(helper)}{action.sql[words[at + 1].end :]}"
    reason = "puts the new constraint in the place of the old one, which held until now"
    return (
        Part(added, "the new constraint, while the old one still holds"),
        Part(f"ALTER TABLE {table.name} DROP CONSTRAINT {quote(name)}", reason, with_next=True),
        Part(f"ALTER TABLE {table.name} RENAME CONSTRAINT {quote(helper)} TO {quote(name)}", reason),
    )
