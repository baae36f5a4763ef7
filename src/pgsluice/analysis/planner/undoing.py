"""How a finished step is taken back. What is not listed here cannot be undone: a rollback stops there and says so."""

from collections.abc import Callable, Iterator

from pgsluice.analysis.effects.catalog import after
from pgsluice.analysis.parsing.actions import is_concurrent
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.subjects import subject
from pgsluice.analysis.planner import questions
from pgsluice.analysis.planner.piece import Piece
from pgsluice.analysis.twins.not_null import Proof
from pgsluice.model.catalog import Catalog, Table, TableKind
from pgsluice.model.names import constraint_names
from pgsluice.model.postgres.identifiers import HELPER_PREFIX, QualifiedName, helper_name, quote
from pgsluice.model.postgres.locks import LockMode
from pgsluice.model.steps import Lock, StepKind, Undo

_LEAVES_NOTHING = frozenset(
    {
        "ALTER INDEX ATTACH PARTITION",  # goes with its parent
        "ALTER TABLE VALIDATE CONSTRAINT",
        "ANALYZE",
        "VACUUM",
        "REINDEX INDEX",
        "REINDEX TABLE",
        "REFRESH MATERIALIZED VIEW",
        "SET",
        "RESET",
        "BEGIN",
        "COMMIT",
        "NOTIFY",
        "LOCK",
    }
)
_MADE = {
    "CREATE TABLE": "TABLE",
    "CREATE TABLE AS": "TABLE",
    "CREATE TABLE PARTITION OF": "TABLE",
    "CREATE VIEW": "VIEW",
    "CREATE MATERIALIZED VIEW": "MATERIALIZED VIEW",
    "CREATE SEQUENCE": "SEQUENCE",
}
_MADE_BY_NAME = frozenset({"TYPE", "DOMAIN", "SCHEMA", "EXTENSION", "COLLATION"})
_ON_TABLE = frozenset({"TRIGGER", "POLICY", "RULE"})
_SWITCHES = {"ENABLE ROW LEVEL SECURITY": "DISABLE ROW LEVEL SECURITY", "FORCE ROW LEVEL SECURITY": "NO FORCE ROW LEVEL SECURITY"}

Loss = tuple[str, str]


def undo(pieces: list[Piece]) -> Undo | None:
    """The undo of a step: those of its pieces in reverse; None as soon as one has none."""
    texts: list[str] = []
    losses: list[Loss] = []
    for piece in reversed(pieces):
        if piece.settled is not None:
            if piece.settled.undo is None:
                return None
            texts += [piece.settled.undo] if piece.settled.undo else []
            losses += piece.settled.loses
            continue
        for action in reversed(piece.actions):
            found = _undo(piece, action)
            if found is None:
                return None
            texts += [found] if found else []
            losses += _losses(action, piece.before)
    return _as_step(pieces, texts, tuple(losses))


def _as_step(pieces: list[Piece], texts: list[str], losses: tuple[Loss, ...]) -> Undo:
    first = pieces[0]
    action = first.actions[0]
    if action.kind == "CREATE INDEX" and is_concurrent(action) and first.actions[0].relation:
        name = _made_relation(action, first.before)
        return Undo(StepKind.DROP_INDEX, f"DROP INDEX CONCURRENTLY IF EXISTS {name}", subject=str(name))
    touched = dict.fromkeys(lock.relation for p in pieces for lock in p.impact.locks)
    locks = tuple(Lock(relation, LockMode.ACCESS_EXCLUSIVE) for relation in touched)
    kind = StepKind.STRIKE if texts and locks else StepKind.TRANSACTION
    before = tuple(u for p in reversed(pieces) for u in (p.settled.first if p.settled else _proved(p, Proof.made)))
    kept = tuple(u for p in reversed(pieces) for u in (p.settled.if_kept if p.settled else _proved(p, Proof.gone)))
    return Undo(kind, ";\n".join(texts), locks if texts else (), loses=losses, first=before, if_kept=kept)


def _proved(piece: Piece, what: Callable[[Proof], tuple[Undo, ...]]) -> Iterator[Undo]:
    """What is done for a NOT NULL that the piece drops, before it is taken back."""
    for action in reversed(piece.actions):
        if action.kind == "ALTER TABLE DROP NOT NULL" and action.relation:
            found = piece.before.table(piece.before.resolve(*action.relation))
            proof = _proof(found, action.node["name"], piece.before) if found else None
            yield from what(proof) if proof else ()


def _proof(table: Table, name: str, before: Catalog) -> Proof | None:
    """None where the column may be NULL already."""
    column = table.column(name)
    if column is None or not column.not_null:
        return None
    named = before.version.has_not_null_constraints and table.kind is TableKind.TABLE and not table.children and not table.parents
    helper = quote(helper_name(table.name.name, name, "not_null"))
    return Proof(table.name, name, helper, named, column.not_null_validated or not named)


def _undo(piece: Piece, action: Action) -> str | None:
    """SQL; '' where nothing is left behind; None where it cannot be undone."""
    before, kind = piece.before, action.kind
    if piece.fill is not None or kind in _LEAVES_NOTHING:
        return ""
    if kind in _MADE:
        return _drop_relation(action, before)
    if kind == "CREATE INDEX":
        if action.only and piece.hazard is not None and _is_partition(action, before):
            return ""  # made for its parent's, and goes with that
        return f"DROP INDEX IF EXISTS {_made_relation(action, before)}"
    if kind.startswith("ALTER TABLE "):
        return _of_table(action, before)
    noun = kind.removeprefix("CREATE ")
    if noun in _ON_TABLE and kind.startswith("CREATE ") and action.relation and (own := subject(action)):
        return None if action.node.get("replace") else f"DROP {noun} IF EXISTS {quote(own[1])} ON {before.resolve(*action.relation)}"
    if kind in ("CREATE FUNCTION", "CREATE PROCEDURE"):
        return _routine(action, before)
    if noun in _MADE_BY_NAME and kind.startswith("CREATE "):
        return _named(action, noun, before)
    return "" if kind in ("SELECT", "ALTER SEQUENCE") and piece.hazard else None


def _is_partition(action: Action, before: Catalog) -> bool:
    table = before.table(before.resolve(*action.relation)) if action.relation else None
    return table is not None and table.is_partition


def _drop_relation(action: Action, before: Catalog) -> str | None:
    assert action.relation is not None
    name = before.resolve(*action.relation)
    if name in before.tables or name in before.sequences:
        return "" if action.node.get("if_not_exists") else None
    return f"DROP {_MADE[action.kind]} IF EXISTS {name}"


def _made_relation(action: Action, before: Catalog) -> QualifiedName:
    """The index that a CREATE INDEX makes, its name chosen as the server chooses it."""
    assert action.relation is not None
    table = before.resolve(*action.relation)
    if (name := action.node.get("idxname")) is not None:
        return QualifiedName(table.schema, name)
    changed = after(action, before).table(table)
    old = before.table(table)
    known = {i.name for i in old.indexes} if old else set()
    return next((i.name for i in changed.indexes if i.name not in known), table) if changed else table


def _named(action: Action, noun: str, before: Catalog) -> str | None:
    own = subject(action)
    if own is None or action.node.get("if_not_exists"):
        return None
    if noun in ("SCHEMA", "EXTENSION"):
        return f"DROP {noun} IF EXISTS {quote(own[1])}"
    return f"DROP {noun} IF EXISTS {before.resolve(*own)}"


def _routine(action: Action, before: Catalog) -> str | None:
    """The old definition where one is replaced; a name that is overloaded is left to a person."""
    own = subject(action)
    if own is None:
        return None
    name = QualifiedName(own[0] or before.creation_schema, own[1])
    there = [f for f in before.functions if f.name == name]
    if not there:
        return f"DROP ROUTINE IF EXISTS {name}"
    return there[0].definition if len(there) == 1 and action.node.get("replace") else None


def _of_table(action: Action, before: Catalog) -> str | None:
    assert action.relation is not None
    name = before.resolve(*action.relation)
    table = before.table(name)
    part = action.kind.removeprefix("ALTER TABLE ")
    alter = f"ALTER TABLE {name}"
    if part in ("RENAME", "RENAME COLUMN", "RENAME CONSTRAINT"):
        return _renamed_back(action, name)
    if part == "ADD COLUMN":
        return f"{alter} DROP COLUMN IF EXISTS {quote(action.node['def']['ColumnDef']['colname'])}"
    if part == "ADD CONSTRAINT":
        made = _made_constraints(action, before, table)
        return ", ".join(f"{'' if i else alter} DROP CONSTRAINT IF EXISTS {quote(m)}".strip() for i, m in enumerate(made)) if made else None
    if part in _SWITCHES and table is not None:
        return f"{alter} {_SWITCHES[part]}" if part.startswith("ENABLE") and not table.row_security else None
    if part == "OWNER TO" and table is not None and table.owner:
        return f"{alter} OWNER TO {quote(table.owner)}"
    return _of_column(action, table, alter, part, before)


def _of_column(action: Action, table: Table | None, alter: str, part: str, before: Catalog) -> str | None:
    name = action.node.get("name", "")
    if part == "DROP CONSTRAINT":
        return "" if name.startswith(HELPER_PREFIX) else None
    column = table.column(name) if table is not None else None
    if column is None:
        return None
    this = f"{alter} ALTER COLUMN {quote(name)}"
    if part == "SET NOT NULL":
        return "" if column.not_null else f"{this} DROP NOT NULL"
    if part == "DROP NOT NULL" and table is not None:
        proof = _proof(table, name, before)
        return proof.used(column.not_null_constraint) if proof else ""
    if part in ("SET DEFAULT", "DROP DEFAULT") and not column.generated:
        return f"{this} SET DEFAULT {column.default}" if column.default is not None else f"{this} DROP DEFAULT"
    if part == "ADD IDENTITY":
        return f"{this} DROP IDENTITY IF EXISTS"
    return None


def _renamed_back(action: Action, name: QualifiedName) -> str:
    new, old = quote(action.node["newname"]), action.node.get("subname")
    if action.kind == "ALTER TABLE RENAME":
        return f"ALTER TABLE {quote(name.schema)}.{new} RENAME TO {quote(name.name)}"
    word = "CONSTRAINT" if action.kind.endswith("CONSTRAINT") else "COLUMN"
    return f"ALTER TABLE {name} RENAME {word} {new} TO {quote(str(old))}"


def _made_constraints(action: Action, before: Catalog, table: Table | None) -> list[str]:
    """The names of what an ADD CONSTRAINT makes, chosen as the server chooses them."""
    given = action.node["def"]["Constraint"].get("conname")
    if given or table is None:
        return [given] if given else []
    changed = after(action, before).table(table.name)
    return sorted(constraint_names(changed) - constraint_names(table)) if changed else []


def _losses(action: Action, before: Catalog) -> list[Loss]:
    """What undoing would destroy: rows of a new table, values in a new column."""
    if action.relation is None:
        return []
    name = before.resolve(*action.relation)
    if action.kind in ("CREATE TABLE", "CREATE TABLE PARTITION OF") and name not in before.tables:
        return [(f"rows of {name}", f"SELECT count(*) FROM {name}")]
    if action.kind == "ALTER TABLE ADD COLUMN":
        column = quote(action.node["def"]["ColumnDef"]["colname"])
        return [(f"values in {name}.{column}", questions.rows_where(name, f"{column} IS NOT NULL"))]
    return []
