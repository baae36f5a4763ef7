"""Definitions of views, sequences, types, domains and functions, as written."""

from dataclasses import dataclass

from pgsluice.analysis.parsing.clauses import after_word, last_end, stripped, within
from pgsluice.analysis.parsing.constraints import ConstraintClause, constraint_clause, is_constraint
from pgsluice.analysis.parsing.expressions import Expression, expression
from pgsluice.analysis.parsing.own import own
from pgsluice.analysis.parsing.statement import Action, Node
from pgsluice.analysis.parsing.trees import Name, name_of, option, relation_name, strings


@dataclass(frozen=True, slots=True)
class ViewDefinition:
    """A view or materialised view; `query_sql` is what follows AS, its options (WITH NO DATA, WITH CHECK OPTION) included.
    `columns` are the names in brackets behind its name."""

    name: Name
    query_sql: str
    columns: tuple[str, ...] = ()
    replace: bool = False
    materialized: bool = False
    if_not_exists: bool = False
    temporary: bool = False
    recursive: bool = False


def view_definition(action: Action) -> ViewDefinition | None:
    """The view of CREATE VIEW and CREATE MATERIALIZED VIEW; None for other actions."""
    node, sql = own(action), action.sql
    if action.kind == "CREATE VIEW":
        relation, names = node["view"], strings(node.get("aliases", ()))
    elif action.kind == "CREATE MATERIALIZED VIEW":
        relation, names = node["into"]["rel"], strings(node["into"].get("colNames", ()))
    else:
        return None
    start = after_word(sql, relation["location"], len(sql), "AS") or len(sql)
    return ViewDefinition(
        relation_name(relation),
        stripped(sql, start, len(sql)),
        names,
        bool(node.get("replace")),
        action.kind == "CREATE MATERIALIZED VIEW",
        bool(node.get("if_not_exists")),
        relation.get("relpersistence") == "t",
        "RECURSIVE" in (t.word for t in within(sql, 0, relation["location"])),
    )


@dataclass(frozen=True, slots=True)
class SequenceDefinition:
    """CREATE or ALTER SEQUENCE. `owned_by` is (table, column); `disowned` where it says OWNED BY NONE. `type_name` in the parser's
    names (int4 for integer), None where it is not said. `restarts`: RESTART is said."""

    name: Name
    type_name: str | None = None
    owned_by: tuple[Name, str] | None = None
    disowned: bool = False
    restarts: bool = False
    temporary: bool = False
    if_not_exists: bool = False


def sequence_definition(action: Action) -> SequenceDefinition | None:
    """The options of CREATE SEQUENCE and ALTER SEQUENCE; None for other actions."""
    node = action.node
    if "sequence" not in node:
        return None
    owner = option(node, "options", "owned_by")
    items = strings(owner["arg"]["List"]["items"]) if owner else ()
    kind = option(node, "options", "as")
    return SequenceDefinition(
        relation_name(node["sequence"]),
        strings(kind["arg"]["TypeName"]["names"])[-1] if kind else None,
        (name_of(items[:-1]), items[-1]) if len(items) > 1 else None,
        items == ("none",),
        option(node, "options", "restart") is not None,
        node["sequence"].get("relpersistence") == "t",
        bool(node.get("if_not_exists")),
    )


@dataclass(frozen=True, slots=True)
class TypeDefinition:
    """CREATE TYPE: `kind` is enum, composite, range, base or shell."""

    name: Name
    kind: str
    labels: tuple[str, ...] = ()


def type_definition(action: Action) -> TypeDefinition | None:
    """The type of CREATE TYPE; None for other actions."""
    node, kind = action.node, action.statement.kind
    if action.kind != "CREATE TYPE":
        return None
    if kind == "CompositeTypeStmt":
        return TypeDefinition(relation_name(node["typevar"]), "composite")
    if kind == "CreateEnumStmt":
        return TypeDefinition(name_of(strings(node["typeName"])), "enum", strings(node.get("vals", ())))
    if kind == "CreateRangeStmt":
        return TypeDefinition(name_of(strings(node["typeName"])), "range")
    return TypeDefinition(name_of(strings(node["defnames"])), "base" if node.get("definition") else "shell")


@dataclass(frozen=True, slots=True)
class DomainDefinition:
    """CREATE DOMAIN; `constraints` are CHECK and NOT NULL."""

    name: Name
    base_sql: str
    default: Expression | None = None
    not_null: bool = False
    constraints: tuple[ConstraintClause, ...] = ()


def domain_definition(action: Action) -> DomainDefinition | None:
    """The domain of CREATE DOMAIN; None for other actions."""
    node, sql = own(action), action.sql
    if action.kind != "CREATE DOMAIN":
        return None
    parts = [c["Constraint"] for c in node.get("constraints", ())]
    parts += [node["collClause"]] if "collClause" in node else []
    parts = sorted((p for p in parts if not p.get("contype", "").startswith("CONSTR_ATTR_")), key=lambda p: p["location"])
    starts = [p["location"] for p in parts]
    spans = [(s, last_end(sql, s, e)) for s, e in zip(starts, [*starts[1:], len(sql)][: len(starts)], strict=True)]
    default = next(((p, s) for p, s in zip(parts, spans, strict=True) if p.get("contype") == "CONSTR_DEFAULT"), None)
    return DomainDefinition(
        name_of(strings(node["domainname"])),
        stripped(sql, node["typeName"]["location"], starts[0] if starts else len(sql)),
        _default(sql, *default) if default else None,
        any(p.get("contype") == "CONSTR_NOTNULL" for p in parts),
        tuple(constraint_clause(sql, p, s) for p, s in zip(parts, spans, strict=True) if is_constraint(p)),
    )


def _default(sql: str, node: Node, span: tuple[int, int]) -> Expression | None:
    start = after_word(sql, *span, "DEFAULT")
    return expression(stripped(sql, start, span[1]), node["raw_expr"]) if start is not None else None


@dataclass(frozen=True, slots=True)
class FunctionDefinition:
    """CREATE FUNCTION or PROCEDURE. `arguments` are the input types in the parser's names (int4 for int), as far as a signature
    needs them; `volatility` immutable, stable or volatile."""

    name: Name
    kind: str
    language: str
    volatility: str
    replace: bool
    arguments: tuple[str, ...] = ()
    returns: Name | None = None


def function_definition(action: Action) -> FunctionDefinition | None:
    """The function of CREATE FUNCTION and CREATE PROCEDURE; None for other actions."""
    node = action.node
    if action.statement.kind != "CreateFunctionStmt":
        return None
    language, volatility = option(node, "options", "language"), option(node, "options", "volatility")
    returns = node.get("returnType")
    return FunctionDefinition(
        name_of(strings(node["funcname"])),
        "procedure" if node.get("is_procedure") else "function",
        str(language["arg"]["String"]["sval"]).lower() if language else "sql",
        str(volatility["arg"]["String"]["sval"]).lower() if volatility else "volatile",
        bool(node.get("replace")),
        tuple(_argument(p["FunctionParameter"]) for p in node.get("parameters", ()) if _is_input(p["FunctionParameter"])),
        name_of(strings(returns.get("names", ()))) if returns else None,
    )


def _is_input(node: Node) -> bool:
    return node.get("mode") not in ("FUNC_PARAM_OUT", "FUNC_PARAM_TABLE")


def _argument(node: Node) -> str:
    names = [n for n in strings(node["argType"].get("names", ())) if n != "pg_catalog"]
    return ".".join(names) + "[]" * len(node["argType"].get("arrayBounds", ()))
