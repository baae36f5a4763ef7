"""Privileges, said again for a twin or for a view that keeps a name."""

import re
from collections.abc import Iterable, Iterator

from pgsluice.analysis.twins.twin import NotKeptError, Twin
from pgsluice.model.catalog import Column, Table
from pgsluice.model.postgres.identifiers import QualifiedName, quote

_ITEM = re.compile(r'((?:"(?:[^"]|"")*"|[^="])*)=([a-zA-Z*]*)/(.*)\Z', re.DOTALL)
"""An aclitem as aclitemout prints it: grantee=modes/grantor."""

_WORDS = {"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE", "x": "REFERENCES"}


def granted(twin: Twin) -> Iterator[str]:
    """GRANT for each of the column's privileges; raises NotKeptError for one that another than the owner has given."""
    for item in twin.column.privileges:
        found = _ITEM.match(item)
        if found is None or (twin.table.owner and _name(found[3]) != twin.table.owner):
            raise NotKeptError(f"the privilege {item} on {twin.name}, which the owner of the table has not given")
        yield from _grants(item, twin.table.name, f" ({quote(twin.new)})")


def granted_on_view(table: Table, view: QualifiedName, columns: Iterable[tuple[Column, str]]) -> Iterator[str]:
    """GRANT on a view in the table's place for each privilege that a view can have; `columns` are the table's, each with the
    name that the view shows it under."""
    for item in table.privileges:
        yield from _grants(item, view)
    for column, name in columns:
        for item in column.privileges:
            yield from _grants(item, view, f" ({quote(name)})")


def _grants(item: str, on: QualifiedName, columns: str = "") -> Iterator[str]:
    found = _ITEM.match(item)
    grantee = quote(_name(found[1])) if found and found[1] else "PUBLIC"
    for mode, star in re.findall(r"([a-zA-Z])(\*?)", found[2] if found else ""):
        if mode in _WORDS:
            yield f"GRANT {_WORDS[mode]}{columns} ON TABLE {on} TO {grantee}{' WITH GRANT OPTION' if star else ''}"


def _name(text: str) -> str:
    return text[1:-1].replace('""', '"') if text.startswith('"') else text
