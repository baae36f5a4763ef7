"""Loads written as pgbench scripts, which people have or can try with pgbench itself.

A folder is a load: each `NAME@WEIGHT.sql` in it is one kind of request (without @WEIGHT it weighs 1, as for `pgbench -f`).
Of pgbench's language it knows `\\set name random(low, high)`, `:name`, comments, and statements ended by a semicolon.
"""

import re
from pathlib import Path

from pgsluice.model.errors import InputError, Place
from pgsluice.rehearsal.load.definition import LoadStatement, RequestKind, Variable

_SET = re.compile(r"^\\set\s+(\w+)\s+random\(\s*(-?\d+)\s*,\s*(-?\d+)\s*\)\s*$")
_TOKEN = re.compile(
    r"(?P<kept>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|::|--[^\n]*)|:(?P<variable>[A-Za-z_]\w*)|(?P<end>;)|(?P<other>[^;:'\"-]+|.)", re.DOTALL
)


def read_load_folder(folder: Path) -> tuple[RequestKind, ...]:
    """The kinds of requests of a folder, in the order of their names; raises InputError."""
    files = sorted(folder.glob("*.sql"))
    if not files:
        raise InputError(
            "load-folder-empty", "there are no request scripts", where=str(folder), next="add pgbench scripts, NAME@WEIGHT.sql"
        )
    return tuple(_read(file) for file in files)


def _read(file: Path) -> RequestKind:
    name, _, weight = file.stem.partition("@")
    try:
        share = float(weight or 1)
    except ValueError:
        raise InputError("load-weight-invalid", f"{weight!r} is no weight", where=str(file), next="name it NAME@WEIGHT.sql") from None
    return parse_script(file.read_text(encoding="utf-8"), name, share, str(file))


def parse_script(text: str, name: str, weight: float = 1.0, path: str = "") -> RequestKind:
    """One kind of request from the text of a pgbench script; raises InputError for what it does not know."""
    variables: list[Variable] = []
    sql: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("\\"):
            variables.append(_variable(line, Place(path, number)))
        else:
            sql.append(line)
    statements = _statements("\n".join(sql), [v.name for v in variables], path)
    if not statements:
        raise InputError("load-script-empty", "the script has no statement", where=path or name, next="end its statement with a semicolon")
    return RequestKind(name, statements, tuple(variables), weight)


def _variable(line: str, place: Place) -> Variable:
    match = _SET.match(line)
    if match is None or int(match[2]) > int(match[3]):
        what = f"cannot use {line.strip()!r} in a load"
        raise InputError("load-command-unknown", what, where=place, next="only \\set name random(low, high) is known")
    return Variable(match[1], int(match[2]), int(match[3]))


def _statements(sql: str, names: list[str], path: str) -> tuple[LoadStatement, ...]:
    """Statements with their variables replaced by $1 ...; a last one without a semicolon counts too."""
    found: list[LoadStatement] = []
    pieces: list[str] = []
    parameters: list[int] = []
    for token in _TOKEN.finditer(sql + "\n;"):
        if token["end"]:
            if text := "".join(pieces).strip():
                found.append(LoadStatement(text, tuple(parameters)))
            pieces, parameters = [], []
        elif variable := token["variable"]:
            pieces.append(_parameter(variable, names, parameters, path))
        elif not token[0].startswith("--"):
            pieces.append(token[0])
    return tuple(found)


def _parameter(variable: str, names: list[str], parameters: list[int], path: str) -> str:
    if variable not in names:
        where = path or None
        raise InputError(
            "load-variable-unknown", f"the variable :{variable} is not set", where=where, next=f"add \\set {variable} random(1, 10)"
        )
    position = names.index(variable)
    if position not in parameters:
        parameters.append(position)
    return f"${parameters.index(position) + 1}"
