"""Small questions to libpg_query's JSON: names, lists, every node below a node."""

from collections.abc import Iterable, Iterator
from typing import Any

from pgsluice.analysis.parsing.statement import Node

Name = tuple[str | None, str]
"""(schema or None, name), as the catalog would store them."""


def strings(nodes: Iterable[Any]) -> tuple[str, ...]:
    """The texts of a list of String nodes; other nodes in it are left out."""
    return tuple(n["String"].get("sval", "") for n in nodes if "String" in n)


def name_of(parts: Iterable[str]) -> Name:
    """The (schema, name) of a dotted name; a database in front is dropped."""
    found = tuple(parts)
    return (found[-2] if len(found) > 1 else None, found[-1] if found else "")


def relation_name(range_var: Node) -> Name:
    return range_var.get("schemaname"), range_var.get("relname", "")


def walk(node: Any) -> Iterator[tuple[str, Node]]:
    """Every wrapped node below, itself included, as (kind, body) in the order of the text as far as the tree keeps it; nodes
    that stand in a typed field without their kind (a RangeVar in `relation`) are given with kind ''. Never recurses."""
    stack: list[tuple[str, Any]] = [("", node)]
    while stack:
        kind, here = stack.pop()
        if isinstance(here, dict):
            yield kind, here
            for key in reversed(here):
                value = here[key]
                if isinstance(value, (dict, list)):
                    stack.append((key if key[0].isupper() else "", value))
        elif isinstance(here, list):
            stack.extend(("", item) for item in reversed(here) if isinstance(item, (dict, list)))


def option(node: Node, field: str, name: str) -> Any:
    """The DefElem called `name` in the list `field` of a node, or None."""
    return next((d["DefElem"] for d in node.get(field, ()) if d.get("DefElem", {}).get("defname") == name), None)


def is_on(element: Node | None) -> bool:
    """Whether an option such as `(concurrently)`, `(full on)`, `(verbose 1)` is on; None, which is absent, is off."""
    if element is None:
        return False
    argument = element.get("arg")
    if not argument:
        return True
    value = next(iter(argument.values()))
    text = str(value.get("sval", value.get("boolval", value.get("ival", 0)))).lower()
    return text in ("true", "on", "1", "t", "yes", "y")
