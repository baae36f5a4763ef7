"""What a statement mentions: relations and other names, for decisions about what depends on what."""

import re
from typing import Any

from pgsluice.analysis.parsing.bodies import body as read_body
from pgsluice.analysis.parsing.built_in import BUILT_IN_TYPES
from pgsluice.analysis.parsing.remembered import remembered
from pgsluice.analysis.parsing.statement import Action, Node, Statement
from pgsluice.analysis.parsing.trees import Name, name_of, relation_name, strings, walk

_SEQUENCE_FUNCTIONS = frozenset(("nextval", "currval", "setval", "pg_get_serial_sequence"))
_RELATIONS = frozenset(f"OBJECT_{o}" for o in ("TABLE", "INDEX", "VIEW", "MATVIEW", "SEQUENCE", "FOREIGN_TABLE"))
_PARTS = frozenset(f"OBJECT_{o}" for o in ("COLUMN", "TABCONSTRAINT", "TRIGGER", "POLICY", "RULE"))
_NAMING_FIELDS = (
    "colname",
    "conname",
    "idxname",
    "indexname",
    "newname",
    "subname",
    "name",
    "trigname",
    "policy_name",
    "rulename",
    "relname",
    "extname",
    "pubname",
    "oldVal",
    "newVal",
)


@remembered
def mentioned_relations(of: Statement | Action) -> frozenset[Name]:
    """The relations that it names, (schema or None, name): tables, views, indexes and sequences, the one that it is about and
    those in queries, foreign keys, INHERITS, LIKE, OWNED BY and nextval('...'); for DO those in its body. Names of WITH queries
    are left out. What stands in strings and in the bodies of functions is not seen: `bodies` reads those."""
    found: set[Name] = set()
    common: set[Name] = set()
    for kind, body in walk(of.node):
        if "relname" in body:
            found.add(relation_name(body))
        elif kind == "CommonTableExpr":
            common.add((None, body.get("ctename", "")))
        else:
            found.update(_named_relations(kind, body))
    found.update(_of_itself(of))
    statement = of.statement if isinstance(of, Action) else of
    if statement.kind == "DoStmt" and (run := read_body(statement)):
        found.update(name for inner in run.statements for name in mentioned_relations(inner))
    return frozenset(found - common)


def _of_itself(of: Statement | Action) -> set[Name]:
    found = {of.relation} if isinstance(of, Action) and of.relation else set()
    statement = of.statement if isinstance(of, Action) else of
    relation = statement.node.get("relation")
    if isinstance(relation, dict) and "relname" in relation:
        found.add(relation_name(relation))
    return found | _listed(of.node)


def _listed(node: Node) -> set[Name]:
    """The relations of DROP and COMMENT, which the tree keeps as lists of strings."""
    of = node.get("removeType", node.get("objtype", node.get("objectType", "")))
    objects = node.get("objects", [node["object"]] if isinstance(node.get("object"), dict) else [])
    found = [strings(o.get("List", {}).get("items", ())) for o in objects if isinstance(o, dict)]
    if of in _RELATIONS:
        return {name_of(items) for items in found if items}
    return {name_of(items[:-1]) for items in found if len(items) > 1} if of in _PARTS else set()


def _named_relations(kind: str, body: Node) -> set[Name]:
    if kind == "FuncCall" and name_of(strings(body.get("funcname", ())))[1] in _SEQUENCE_FUNCTIONS:
        return _from_text(next(iter(body.get("args", ())), {}))
    if kind == "TypeCast" and name_of(strings(body.get("typeName", {}).get("names", ())))[1] == "regclass":
        return _from_text(body.get("arg", {}))
    if kind == "DefElem" and body.get("defname") == "owned_by":
        items = strings(body.get("arg", {}).get("List", {}).get("items", ()))
        return {name_of(items[:-1])} if len(items) > 1 else set()
    return set()


def _from_text(node: Node) -> set[Name]:
    """The relation in a literal such as 'public.orders_id_seq', as regclass reads it."""
    node = node.get("TypeCast", {}).get("arg", node)
    text = node.get("A_Const", {}).get("sval", {}).get("sval")
    return {name_of(_identifiers(text))} if text else set()


def _identifiers(text: str) -> list[str]:
    """The parts of a dotted name in a string, quotes taken off, the others folded to lower case."""
    return [quoted.replace('""', '"') if quoted else plain.strip().lower() for quoted, plain in _PART.findall(text)]


_PART = re.compile(r'"((?:[^"]|"")+)"|([^".]+)')


@remembered
def mentioned_names(of: Statement | Action) -> frozenset[str]:
    """Every name in the tree without its schema: relations, columns, constraints, functions, types, triggers, schemas ..., and
    `*` where it stands for columns; of a function's or DO's body every word, in lower case. PostgreSQL's own types, and functions
    with its schema said, are left out. Two statements without a common name do not depend on each other, as far as trees show."""
    found: set[str] = {name for _, name in mentioned_relations(of)}
    stack: list[tuple[str, Any]] = [("", of.node)]
    while stack:
        kind, here = stack.pop()
        if isinstance(here, list):
            stack.extend(("", item) for item in here if isinstance(item, (dict, list)))
            continue
        names, read = _names(kind, here)
        found.update(names)
        stack.extend((k, v) for k, v in here.items() if k not in read and isinstance(v, (dict, list)))
    return frozenset(found)


def _names(kind: str, body: Node) -> tuple[set[str], tuple[str, ...]]:
    """The names that a node itself holds, and its fields that need no further look."""
    if "typemod" in body and "names" in body:
        return _foreign(strings(body["names"]), BUILT_IN_TYPES), ("names",)
    if kind == "FuncCall":
        return _foreign(strings(body.get("funcname", ())), frozenset()), ("funcname",)
    if kind == "DefElem" and body.get("defname") in ("as", "language"):
        texts = _texts(body) if body["defname"] == "as" else ()
        return {w.lower() for text in texts for w in _WORD.findall(text)}, () if "TypeName" in body.get("arg", {}) else ("arg",)
    found = {body[f] for f in _NAMING_FIELDS if isinstance(body.get(f), str)}
    if kind == "String":
        found.add(body.get("sval", ""))
    elif kind == "A_Star":
        found.add("*")
    return found, ()


def _foreign(names: tuple[str, ...], built_in: frozenset[str]) -> set[str]:
    """The last part of a dotted name, unless it is one of PostgreSQL's own."""
    own = not names or names[0] == "pg_catalog" or (len(names) == 1 and names[0] in built_in)
    return set() if own else {names[-1]}


def _texts(body: Node) -> tuple[str, ...]:
    """The text of a function's or DO's body."""
    argument = body.get("arg", {})
    return strings([argument] if "String" in argument else argument.get("List", {}).get("items", ()))


_WORD = re.compile(r"[^\W\d]\w*")


def written_relations(of: Statement | Action) -> frozenset[Name]:
    """The relations into which INSERT, UPDATE, DELETE and MERGE write, those in WITH included."""
    statement = of.statement if isinstance(of, Action) else of
    found = (body for kind, body in walk({statement.kind: statement.node}) if kind in _WRITES and "relation" in body)
    return frozenset(relation_name(body["relation"]) for body in found)


_WRITES = ("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt")
