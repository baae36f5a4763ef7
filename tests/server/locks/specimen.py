"""Specimens: for each form one statement that has it, in a scene whose relations are named by their roles.

A file of `specimens/` holds statements, each below comments that describe it:

    -- scene: NAME       the scene of `scenes/` that stands there before (for the file, or for one specimen); `none`
    -- form: NAME        the form, as the lock table spells it
    -- majors: 15-17     the majors that know the form (default: all)
    -- setup: SQL        what is committed before it, on top of the scene
    -- session: SQL      what holds in the session that runs it
    -- role: NAME = ROLE the role of a relation that its name does not tell
    -- note: TEXT        what the row says beside its facts

A relation plays the role that its name says, without a number and with spaces for underscores (`tab` is the table that
the statement is about); an index is one of its table's `indexes` unless its name ends in `_index`.
"""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pgsluice.model.postgres.versions import MAJORS

KEYS = {"referenced_pkey": "referenced key", "parent_referenced_pkey": "parent referenced key"}
"""Indexes that back the key which a foreign key references: some forms lock only that one."""

HERE = Path(__file__).parent
_HEADER = re.compile(r"--\s*(scene|form|majors|setup|session|role|note):\s*(.*)")


@dataclass(frozen=True, slots=True)
class Specimen:
    """`roles` maps names of relations to roles; `place` is file and line, for messages."""

    form: str
    place: str
    scene: str = "none"
    sql: str = ""
    majors: tuple[int, ...] = MAJORS
    setup: str = ""
    session: str = ""
    roles: dict[str, str] = field(default_factory=lambda: KEYS)
    note: str = ""

    @property
    def stage(self) -> tuple[str, str]:
        """What stands there before; the same for specimens that can be tried one after the other."""
        return self.scene, self.setup


def by_scene(specimens: list[Specimen]) -> list[Specimen]:
    """In the order in which the fewest scenes have to be made."""
    return sorted(specimens, key=lambda s: s.stage)


def all_specimens() -> list[Specimen]:
    """The specimens of every file, in the files' order; raises ValueError for a form that is there twice."""
    found = [s for path in sorted((HERE / "specimens").glob("*.sql")) for s in _read(path)]
    seen: dict[str, str] = {}
    for specimen in found:
        if specimen.form in seen:
            raise ValueError(f"{specimen.place}: {specimen.form!r} is also at {seen[specimen.form]}")
        seen[specimen.form] = specimen.place
    return found


def scene_sql(name: str) -> str:
    """The SQL that makes a scene."""
    return "" if name == "none" else (HERE / "scenes" / f"{name}.sql").read_text()


def role_of(name: str) -> str:
    """The role that a relation's name says."""
    plain = re.sub(r"_\d+$", "", name).replace("_", " ")
    return "table" if plain == "tab" else plain


def _read(path: Path) -> list[Specimen]:
    specimens: list[Specimen] = []
    scene, current = "none", None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        header = _HEADER.match(line)
        if header and header[1] == "scene" and current is None:
            scene = header[2]
        elif header and header[1] == "form":
            specimens += [current] if current else []
            current = Specimen(header[2], f"{path.name}:{number}", scene)
        elif header and current:
            current = _with(current, header[1], header[2])
        elif current and not line.startswith("--"):
            current = replace(current, sql=f"{current.sql}\n{line}".strip())
    return [replace(s, sql=s.sql.rstrip(";")) for s in [*specimens, *([current] if current else [])]]


def _with(specimen: Specimen, header: str, value: str) -> Specimen:
    if header == "majors":
        first, last = value.split("-") if "-" in value else (value, value)
        majors = tuple(m for m in MAJORS if int(first) <= m <= int(last or 99))
        return replace(specimen, majors=majors)
    if header == "role":
        name, role = value.split("=")
        return replace(specimen, roles={**specimen.roles, name.strip(): role.strip()})
    if header == "setup":
        return replace(specimen, setup=f"{specimen.setup};{value}".strip("; "))
    changed: Any = {header: value}
    return replace(specimen, **changed)
