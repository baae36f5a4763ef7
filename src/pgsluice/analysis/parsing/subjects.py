"""The object that an action is about where that is no relation, or the part of a relation that it names."""

from pgsluice.analysis.parsing.statement import Action, Node
from pgsluice.analysis.parsing.trees import Name, name_of, relation_name, strings

_PARTS = frozenset(f"OBJECT_{o}" for o in ("COLUMN", "TABCONSTRAINT", "TRIGGER", "POLICY", "RULE"))
_RELATIONS = frozenset(f"OBJECT_{o}" for o in ("TABLE", "INDEX", "VIEW", "MATVIEW", "SEQUENCE", "FOREIGN_TABLE"))
_OWN = (
    "trigname",
    "policy_name",
    "rulename",
    "schemaname",
    "extname",
    "pubname",
    "subname",
    "dbname",
    "tablespacename",
    "fdwname",
    "servername",
    "amname",
    "plname",
    "typevar",
    "domainname",
    "typeName",
    "funcname",
    "func",
    "opername",
    "defnames",
    "dictname",
    "cfgname",
    "opfamilyname",
    "opclassname",
    "collname",
    "conversion_name",
    "role",
)
"""The fields that hold the name of what a statement makes, changes or drops; the first that is there."""


def subject(action: Action) -> Name | None:
    """The type, domain, function, schema, extension, publication, role ... that the action makes, changes or drops, and for
    triggers, policies, rules, columns and constraints their own name, (None, name), with the relation in `action.relation`.
    None for actions on relations alone, and where there is none."""
    node = action.node
    if action.statement.kind == "AlterTableStmt":
        return (None, node["name"]) if "name" in node else None
    if action.statement.kind == "RenameStmt":
        return _renamed(node)
    if (dropped := node.get("objects")) and "removeType" in node:
        return _object(dropped[0], node["removeType"])
    if "object" in node:
        return _object(node["object"], node.get("objtype", node.get("objectType", "")))
    for field in _OWN:
        if field in node:
            return _named(node[field])
    return None


def _renamed(node: Node) -> Name | None:
    if "object" in node:
        return _object(node["object"], node.get("renameType", ""))
    return (None, node["subname"]) if "subname" in node else None


def _named(value: object) -> Name | None:
    """A name as a text, a list of Strings, a RangeVar, an ObjectWithArgs or a role."""
    if isinstance(value, str):
        return None, value
    if isinstance(value, list):
        return name_of(strings(value))
    if isinstance(value, dict):
        if "relname" in value:
            return relation_name(value)
        if "objname" in value:
            return name_of(strings(value["objname"]))
        if "names" in value:
            return name_of(strings(value["names"]))
        return (None, value["rolename"]) if "rolename" in value else None
    return None


def _object(node: Node, of: str) -> Name | None:
    kind, body = next(iter(node.items()))
    if kind == "String":
        return None, body.get("sval", "")
    if kind != "List":
        return _named(body)
    items = body.get("items", ())
    if of in _RELATIONS:
        return None
    if of in _PARTS:
        return None, strings(items)[-1]
    return _named(items[0]["TypeName"]) if items and "TypeName" in items[0] else name_of(strings(items))
