"""Column names changed inside of definitions that the server printed, at the places where the parser sees columns."""

from collections.abc import Iterator

from pgsluice.analysis.parsing.actions import action_of
from pgsluice.analysis.parsing.clauses import brackets_after, elements, relation_end, within
from pgsluice.analysis.parsing.own import own
from pgsluice.analysis.parsing.statement import Action, Node
from pgsluice.analysis.parsing.tokens import tokens
from pgsluice.analysis.parsing.trees import strings, walk
from pgsluice.model.postgres.identifiers import quote

Span = tuple[int, int]


def index_with(definition: str, old: str, new: str) -> str | None:
    """A CREATE INDEX with one column's name changed wherever it is a key, included, in an expression or in the predicate; None
    where the text does not name it."""
    action = action_of(definition)
    node = own(action)
    spans = [*_references(node, definition, old)]
    relation = node["relation"]["location"]
    spans += _listed(definition, relation, [k["IndexElem"].get("name") for k in node["indexParams"]], old)
    included = [k["IndexElem"].get("name") for k in node.get("indexIncludingParams", ())]
    if included:
        spans += _listed(definition, _word_end(definition, relation, "INCLUDE"), included, old)
    return _changed(definition, spans, new)


def check_with(definition: str, old: str, new: str) -> str | None:
    """A CHECK with one column's name changed; None where it does not name it."""
    head = "ALTER TABLE t ADD "
    action = action_of(head + definition)
    changed = _changed(action.sql, [*_references(own(action), action.sql, old)], new)
    return None if changed is None else changed.removeprefix(head)


def key_with(definition: str, old: str, new: str, referenced: tuple[str, ...] = ()) -> str | None:
    """A foreign key with one column's name changed: in its own list (and in ON DELETE SET NULL (...)), or in that of the columns
    that it references, where `referenced` says which these are. None where it does not name it there."""
    head = "ALTER TABLE t ADD "
    action: Action = action_of(head + definition)
    sql, node = action.sql, own(action)["def"]["Constraint"]
    target = node["pktable"]["location"]
    if referenced and not node.get("pk_attrs"):
        found = tokens(sql)
        end = found[relation_end(found, target) - 1].end
        listed = ", ".join(quote(new if c == old else c) for c in referenced)
        return f"{sql[:end]}({listed}){sql[end:]}".removeprefix(head)
    if referenced:
        spans = _listed(sql, target, strings(node.get("pk_attrs", ())), old)
    else:
        spans = _listed(sql, node["location"], strings(node["fk_attrs"]), old)
        cut = strings(node.get("fk_del_set_cols", ()))
        spans += _listed(sql, _word_end(sql, target, "DELETE"), cut, old) if cut else []
    changed = _changed(sql, spans, new)
    return None if changed is None else changed.removeprefix(head)


def bare_references(expression: str, columns: frozenset[str]) -> str:
    """An expression in which each column is named without its table."""
    head = "SELECT "
    action = action_of(head + expression)
    sql = action.sql
    spans = [(a, b, name) for a, b, name in _column_references(own(action), sql) if name in columns and len(within(sql, a, b)) > 1]
    for start, end, name in sorted(spans, reverse=True):
        sql = sql[:start] + quote(name) + sql[end:]
    return sql.removeprefix(head)


def _references(node: Node, sql: str, name: str) -> Iterator[Span]:
    for start, end, column in _column_references(node, sql):
        if column == name:
            last = within(sql, start, end)[-1]
            yield last.start, last.end


def _column_references(node: Node, sql: str) -> Iterator[tuple[int, int, str]]:
    """Where columns are named: from the first to the last part of a dotted name."""
    found = tokens(sql)
    for kind, body in walk(node):
        names = strings(body.get("fields", ())) if kind == "ColumnRef" else ()
        if names:
            start = body.get("location", 0)
            first = next(i for i, t in enumerate(found) if t.start >= start)
            yield start, found[first + 2 * (len(names) - 1)].end, names[-1]


def _listed(sql: str, start: int, names: list[str | None] | tuple[str, ...], name: str) -> list[Span]:
    """The places of a name in the first bracketed list behind `start`, whose elements begin with these names."""
    inside = brackets_after(sql, start, len(sql))
    if inside is None or name not in names:
        return []
    places = elements(sql, within(sql, *inside)[0].start)
    first = [within(sql, a, b)[0] for a, b in places]
    return [(token.start, token.end) for token, here in zip(first, names, strict=True) if here == name]


def _word_end(sql: str, start: int, word: str) -> int:
    return next(t.end for t in within(sql, start, len(sql)) if t.word == word and t.depth == 0)


def _changed(sql: str, spans: list[Span], new: str) -> str | None:
    if not spans:
        return None
    for start, end in sorted(set(spans), reverse=True):
        sql = sql[:start] + quote(new) + sql[end:]
    return sql
