"""Constraint clauses, inline or of a table, read by token position so that they can be said again elsewhere."""

from dataclasses import dataclass

from pgsluice.analysis.parsing.clauses import brackets_after, elements, stripped, within
from pgsluice.analysis.parsing.expression_name import expression_name
from pgsluice.analysis.parsing.expressions import Expression, expression
from pgsluice.analysis.parsing.indexes import IndexKey, index_key
from pgsluice.analysis.parsing.own import own
from pgsluice.analysis.parsing.remembered import remembered
from pgsluice.analysis.parsing.statement import Action, Node
from pgsluice.analysis.parsing.trees import Name, relation_name, strings
from pgsluice.model.catalog import ConstraintKind
from pgsluice.model.postgres.identifiers import quote

_KINDS = {
    "CONSTR_CHECK": ConstraintKind.CHECK,
    "CONSTR_FOREIGN": ConstraintKind.FOREIGN_KEY,
    "CONSTR_UNIQUE": ConstraintKind.UNIQUE,
    "CONSTR_PRIMARY": ConstraintKind.PRIMARY_KEY,
    "CONSTR_EXCLUSION": ConstraintKind.EXCLUSION,
    "CONSTR_NOTNULL": ConstraintKind.NOT_NULL,
}
_ACTIONS = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
_MATCHES = {"s": "SIMPLE", "f": "FULL", "p": "PARTIAL"}


@dataclass(frozen=True, slots=True)
class Excluded:
    """An element of an exclusion constraint: two rows for which all `operator`s hold exclude one another. `operator` is as it stands
    between two operands."""

    key: IndexKey
    operator: str


@dataclass(frozen=True, slots=True)
class ConstraintClause:
    """A constraint as written. `sql` is its text, CONSTRAINT name and attributes included, and stands at `span` of the action's
    `sql`. `inline`: it belongs to one column, which is then in `columns`.

    `columns`: those constrained; of a CHECK those that its expression names (the only one becomes part of the name that the server
    chooses); of an exclusion those of its elements that are no expressions, with `excluded` all of them and
    `where` the predicate. `key_names` are the names from which the server makes
    that of a UNIQUE, PRIMARY KEY or exclusion: columns, and for expressions what it calls them.
    `references` of a foreign key is (schema or None, name). `using_index` is the name after USING INDEX.
    `parameters` is the inside of WITH (...)."""

    kind: ConstraintKind
    sql: str
    span: tuple[int, int]
    name: str | None = None
    inline: bool = False
    columns: tuple[str, ...] = ()
    key_names: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    references: Name | None = None
    referenced_columns: tuple[str, ...] = ()
    on_update: str = "NO ACTION"
    on_delete: str = "NO ACTION"
    on_delete_columns: tuple[str, ...] = ()
    match: str = "SIMPLE"
    expression: Expression | None = None
    not_valid: bool = False
    enforced: bool = True
    deferrable: bool = False
    initially_deferred: bool = False
    no_inherit: bool = False
    nulls_not_distinct: bool = False
    without_overlaps: bool = False
    using_index: str | None = None
    parameters: str | None = None
    tablespace: str | None = None
    excluded: tuple[Excluded, ...] = ()
    where: Expression | None = None

    @property
    def expression_sql(self) -> str | None:
        """The condition of a CHECK, without its brackets."""
        return self.expression.sql if self.expression else None


def is_constraint(node: Node) -> bool:
    """Whether a Constraint node is a constraint: DEFAULT, GENERATED, IDENTITY and NULL are none."""
    return node.get("contype") in _KINDS


@remembered
def added_constraint(action: Action) -> ConstraintClause | None:
    """The constraint of ALTER TABLE (or FOREIGN TABLE, DOMAIN) ADD CONSTRAINT; None for other actions."""
    node = own(action)
    found = node.get("def", {}).get("Constraint") if isinstance(node.get("def"), dict) else None
    if found is None or not is_constraint(found):
        return None
    return constraint_clause(action.sql, found, (found["location"], len(action.sql)))


def constraint_clause(
    sql: str, node: Node, span: tuple[int, int], column: str | None = None, attributes: frozenset[str] = frozenset()
) -> ConstraintClause:
    """The clause of a Constraint node that stands at `span` of `sql`; `column` is that of an inline one, `attributes` the
    CONSTR_ATTR_... nodes behind it."""
    text = stripped(sql, *span)
    span = (span[0], span[0] + len(text))
    kind = _KINDS[node["contype"]]
    checked = _checked(sql, node, span)
    references = relation_name(node["pktable"]) if "pktable" in node else None
    return ConstraintClause(
        kind,
        text,
        span,
        node.get("conname"),
        column is not None,
        _columns(node, column, checked),
        (column,) if column and kind in _INDEXED else _key_names(node),
        strings(node.get("including", ())),
        references,
        strings(node.get("pk_attrs", ())),
        _ACTIONS.get(node.get("fk_upd_action", ""), "NO ACTION"),
        _ACTIONS.get(node.get("fk_del_action", ""), "NO ACTION"),
        strings(node.get("fk_del_set_cols", ())),
        _MATCHES.get(node.get("fk_matchtype", ""), "SIMPLE"),
        checked,
        not_valid=bool(node.get("skip_validation")),
        enforced=_enforced(node, attributes),
        deferrable=bool(node.get("deferrable")) or bool(attributes & {"CONSTR_ATTR_DEFERRABLE", "CONSTR_ATTR_DEFERRED"}),
        initially_deferred=bool(node.get("initdeferred")) or "CONSTR_ATTR_DEFERRED" in attributes,
        no_inherit=bool(node.get("is_no_inherit")),
        nulls_not_distinct=bool(node.get("nulls_not_distinct")),
        without_overlaps=bool(node.get("without_overlaps") or node.get("fk_with_period")),
        using_index=node.get("indexname"),
        parameters=_parameters(sql, node, span),
        tablespace=node.get("indexspace"),
        excluded=_excluded(sql, node, span),
        where=_predicate(sql, node, span),
    )


_INDEXED = (ConstraintKind.UNIQUE, ConstraintKind.PRIMARY_KEY, ConstraintKind.EXCLUSION)


def _enforced(node: Node, attributes: frozenset[str]) -> bool:
    said = node.get("contype") in ("CONSTR_CHECK", "CONSTR_FOREIGN")
    return "CONSTR_ATTR_NOT_ENFORCED" not in attributes and (not said or bool(node.get("is_enforced")))


def _columns(node: Node, column: str | None, checked: Expression | None) -> tuple[str, ...]:
    if checked is not None:
        return checked.columns
    if column is not None:
        return (column,)
    found = (*strings(node.get("keys", ())), *strings(node.get("fk_attrs", ())))
    return found or tuple(e["name"] for e in _excluded_keys(node) if "name" in e)


def _key_names(node: Node) -> tuple[str, ...]:
    if node.get("contype") == "CONSTR_EXCLUSION":
        return tuple(e["name"] if "name" in e else expression_name(e["expr"]) for e in _excluded_keys(node))
    return strings(node.get("keys", ()))


def _excluded_keys(node: Node) -> list[Node]:
    return [e["List"]["items"][0]["IndexElem"] for e in node.get("exclusions", ())]


def _excluded(sql: str, node: Node, span: tuple[int, int]) -> tuple[Excluded, ...]:
    keys = _excluded_keys(node)
    inside = brackets_after(sql, *span) if keys else None
    if inside is None:
        return ()
    texts = [sql[a:b] for a, b in elements(sql, within(sql, *inside)[0].start)]
    operators = [strings(e["List"]["items"][1]["List"]["items"]) for e in node["exclusions"]]
    return tuple(Excluded(index_key(k, t), _operator(o)) for k, t, o in zip(keys, texts, operators, strict=True))


def _operator(names: tuple[str, ...]) -> str:
    *schema, operator = names
    return f"OPERATOR({quote(schema[0])}.{operator})" if schema else operator


def _predicate(sql: str, node: Node, span: tuple[int, int]) -> Expression | None:
    """The condition behind WHERE of an exclusion constraint."""
    if "where_clause" not in node:
        return None
    inside = brackets_after(sql, _behind(sql, span, "WHERE"), span[1])
    return expression(stripped(sql, *inside), node["where_clause"]) if inside else None


def _checked(sql: str, node: Node, span: tuple[int, int]) -> Expression | None:
    if node["contype"] != "CONSTR_CHECK":
        return None
    inside = brackets_after(sql, *span)
    return expression(stripped(sql, *inside), node["raw_expr"]) if inside else None


def _parameters(sql: str, node: Node, span: tuple[int, int]) -> str | None:
    if not node.get("options"):
        return None
    inside = brackets_after(sql, _behind(sql, span, "WITH"), span[1])
    return stripped(sql, *inside) if inside else None


def _behind(sql: str, span: tuple[int, int], word: str) -> int:
    """The offset behind the last `word` of the clause that stands in no bracket: EXCLUDE has others inside."""
    found = within(sql, *span)
    return max((t.end for t in found if t.word == word and t.depth == found[0].depth), default=span[1])


def table_constraint(clause: ConstraintClause, name: str | None = None, *, not_valid: bool = False) -> str:
    """The clause as it stands in ALTER TABLE ... ADD: `[CONSTRAINT name] FOREIGN KEY (c) REFERENCES ...`, the user's spelling kept.

    `name` names one that has no name. `not_valid` appends NOT VALID where the clause does not say it and may
    (a CHECK, a foreign key, a NOT NULL of 18)."""
    found = within(clause.sql, 0, len(clause.sql))
    first = 2 if found[0].word == "CONSTRAINT" else 0
    given = clause.sql[: found[1].end] + " " if first else f"CONSTRAINT {quote(name)} " if name else ""
    body = clause.sql[found[first].start :]
    if clause.inline:
        body = _for_table(clause, clause.sql, found[first].start)
    return given + body + (" NOT VALID" if not_valid and not clause.not_valid and clause.enforced else "")


def _for_table(clause: ConstraintClause, sql: str, start: int) -> str:
    """An inline clause with its column said."""
    column = quote(clause.columns[0]) if clause.columns else ""
    found = within(sql, start, len(sql))
    if clause.kind is ConstraintKind.FOREIGN_KEY:
        return f"FOREIGN KEY ({column}) {sql[start:]}"
    if clause.kind is ConstraintKind.CHECK:
        return sql[start:]
    words = 2 if clause.kind in (ConstraintKind.PRIMARY_KEY, ConstraintKind.NOT_NULL) else 1
    if clause.kind is ConstraintKind.UNIQUE and len(found) > 2 and found[1].word == "NULLS":
        words = 4 if found[2].word == "NOT" else 3
    named = column if clause.kind is ConstraintKind.NOT_NULL else f"({column})"
    return f"{sql[start : found[words - 1].end]} {named}{sql[found[words - 1].end :]}"
