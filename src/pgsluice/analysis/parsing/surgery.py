"""Statements said again with something left out or put in, by token position: the rest stays as the user spelled it."""

from collections.abc import Iterable

from pgsluice.analysis.parsing.actions import is_concurrent
from pgsluice.analysis.parsing.columns import column_definition
from pgsluice.analysis.parsing.constraints import ConstraintClause, added_constraint, table_constraint
from pgsluice.analysis.parsing.own import own
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.tables import table_elements
from pgsluice.analysis.parsing.tokens import Token, tokens, trimmed
from pgsluice.model.postgres.identifiers import QualifiedName, quote

Span = tuple[int, int]


def add_column_without(
    action: Action, constraints: Iterable[ConstraintClause] = (), *, default: bool = False, identity: bool = False
) -> str:
    """ADD COLUMN without these inline constraints, and without its default or identity where asked."""
    spans = [c.span for c in constraints]
    column = column_definition(action)
    if column is None:
        raise ValueError(f"no ADD COLUMN: {action.sql}")
    if default and column.default_span:
        spans.append(column.default_span)
    if identity and column.identity_span:
        spans.append(column.identity_span)
    return without(action.sql, spans)


def add_column_as(action: Action, type_sql: str) -> str:
    """ADD COLUMN with another type, as for serial, which is an integer with a sequence."""
    column = column_definition(action)
    if column is None:
        raise ValueError(f"no ADD COLUMN: {action.sql}")
    start = own(action)["def"]["ColumnDef"]["typeName"]["location"]
    return action.sql[:start] + type_sql + action.sql[start + len(column.type_sql) :]


def create_table_without(action: Action, constraints: Iterable[ConstraintClause]) -> str:
    """CREATE TABLE without these constraints, inline or of the table; a table's goes with its comma."""
    node = own(action)
    places = [span for _, span in table_elements(action.sql, node.get("base", node))]
    clauses = list(constraints)
    gone = {_element(places, c.span) for c in clauses if not c.inline}
    return without(action.sql, [*(c.span for c in clauses if c.inline), *(_with_comma(places, gone, i) for i in gone)])


def _element(places: list[Span], span: Span) -> int:
    return next(i for i, place in enumerate(places) if place[0] <= span[0] < place[1])


def _with_comma(places: list[Span], gone: set[int], index: int) -> Span:
    """The element with the comma before it, or behind it where nothing before it stays."""
    if any(i not in gone for i in range(index)):
        return places[index - 1][1], places[index][1]
    return places[index][0], places[index + 1][0] if index + 1 < len(places) else places[index][1]


def without(sql: str, spans: Iterable[Span]) -> str:
    """The text without these parts, which do not overlap, and the blanks before them. A line break stays: it may end a comment."""
    kept, position = "", 0
    for start, end in sorted(spans):
        kept = _joined(kept, sql[position:start].rstrip(" \t"))
        position = end
    return trimmed(_joined(kept, sql[position:]))


def _joined(before: str, behind: str) -> str:
    """Two texts side by side, with a blank where their ends would become one token, or a string go on."""
    edges = before[-1:], behind[:1]
    touching = all(c and (c.isalnum() or c in "_$\"'") for c in edges)
    return f"{before} {behind}" if touching else before + behind


def add_constraint(table: QualifiedName | str, clause: ConstraintClause, name: str | None = None, *, not_valid: bool = False) -> str:
    """ALTER TABLE ... ADD with the clause, as `constraints.table_constraint` says it; `table` is quoted where it is a text."""
    return f"ALTER TABLE {table} ADD {table_constraint(clause, name, not_valid=not_valid)}"


def not_valid(action: Action) -> str:
    """ALTER TABLE ADD CONSTRAINT with NOT VALID."""
    clause = added_constraint(action)
    if clause is None:
        raise ValueError(f"no ADD CONSTRAINT: {action.sql}")
    return action.sql if clause.not_valid or not clause.enforced else f"{action.sql} NOT VALID"


def concurrently(action: Action) -> str:
    """CREATE INDEX, DROP INDEX, REINDEX, REFRESH MATERIALIZED VIEW or DETACH PARTITION with CONCURRENTLY."""
    if is_concurrent(action):
        return action.sql
    if action.kind.endswith("DETACH PARTITION"):
        return f"{action.sql} CONCURRENTLY"
    word = _BEFORE_CONCURRENTLY.get(action.kind)
    if word is None:
        raise ValueError(f"there is no CONCURRENTLY for {action.kind}")
    end = _first(tokens(action.sql), word).end
    return f"{action.sql[:end]} CONCURRENTLY{action.sql[end:]}"


_BEFORE_CONCURRENTLY = {
    "CREATE INDEX": "INDEX",
    "DROP INDEX": "INDEX",
    "REINDEX INDEX": "INDEX",
    "REINDEX TABLE": "TABLE",
    "REINDEX SCHEMA": "SCHEMA",
    "REINDEX DATABASE": "DATABASE",
    "REFRESH MATERIALIZED VIEW": "VIEW",
}


def index_named(action: Action, name: str, *, if_not_exists: bool | None = None, concurrent: bool | None = None) -> str:
    """CREATE INDEX with this name; with or without IF NOT EXISTS and CONCURRENTLY, None leaving them as they are."""
    if action.kind != "CREATE INDEX":
        raise ValueError(f"no CREATE INDEX: {action.sql}")
    found = tokens(action.sql)
    head = action.sql[: _first(found, "INDEX").end]
    keep = action.node.get("if_not_exists") if if_not_exists is None else if_not_exists
    words = ["CONCURRENTLY"] if (is_concurrent(action) if concurrent is None else concurrent) else []
    words += ["IF NOT EXISTS"] if keep else []
    return " ".join((head, *words, quote(name), action.sql[_first(found, "ON").start :]))


def without_if_exists(action: Action) -> str:
    """The statement without its IF EXISTS or IF NOT EXISTS, that of the object or that of its part."""
    found = tokens(action.sql)
    for index, token in enumerate(found):
        if token.word == "IF" and token.depth == 0:
            words = [t.word for t in found[index : index + 3]]
            count = 3 if words == ["IF", "NOT", "EXISTS"] else 2 if words[:2] == ["IF", "EXISTS"] else 0
            if count:
                return without(action.sql, [(token.start, found[index + count - 1].end)])
    return action.sql


def _first(found: tuple[Token, ...], word: str) -> Token:
    """The first token that is this keyword outside of brackets; the caller knows that the grammar demands one."""
    return next(t for t in found if t.word == word and t.depth == 0)
