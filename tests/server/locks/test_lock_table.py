"""The lock table is what servers do with the specimens: no form without a specimen, no specimen without a row, no other fact."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import pgsluice.analysis.locks
from pgsluice.analysis.locks.table import Row, render, rows
from tests.server.locks.specimen import Specimen, all_specimens
from tests.server.locks.truth import rows_of
from tests.support.servers import TestServer

LEAST_FORMS = 250
CLASSIFYING = Path(pgsluice.analysis.locks.__file__).parent
SPECIMENS = all_specimens()
BY_MAJOR = {(row.form, major): row for row in rows() for major in range(row.first, row.last + 1)}


def is_watched(specimen: Specimen, major: int) -> bool:
    """Whether the table says that the statement runs in no transaction, so that it has to be watched from outside."""
    return (specimen.form, major) in BY_MAJOR and not BY_MAJOR[specimen.form, major].in_transaction


@pytest.fixture(scope="session")
def seen(server: TestServer) -> dict[str, Row]:
    """What the server does, by form."""
    return rows_of(server.dsn, server.major, [s for s in SPECIMENS if not is_watched(s, server.major)])


@pytest.fixture(scope="session")
def watched(server: TestServer) -> dict[str, Row]:
    """What the server does outside of transactions, by form."""
    return rows_of(server.dsn, server.major, [s for s in SPECIMENS if is_watched(s, server.major)])


@pytest.mark.newest("half a minute for each major")
def test_the_table_says_what_the_server_does(server: TestServer, seen: dict[str, Row]) -> None:
    assert_told(seen, server.major, in_transaction=True)


@pytest.mark.thorough("what runs in no transaction is watched for minutes")
def test_the_table_says_what_the_server_does_outside_of_transactions(server: TestServer, watched: dict[str, Row]) -> None:
    assert_told(watched, server.major, in_transaction=False)


def assert_told(seen: dict[str, Row], major: int, in_transaction: bool) -> None:
    """The table has these rows for the major, and no other."""
    said = {form: row for (form, m), row in BY_MAJOR.items() if m == major and row.in_transaction == in_transaction}
    table, server = ({render(replace(r, first=major, last=major)) for r in rows.values()} for rows in (said, seen))
    assert not table ^ server, "\n".join(["table:", *sorted(table - server), "server:", *sorted(server - table)])


def test_forms_and_specimens_are_the_same() -> None:
    said = [(r.form, major) for r in rows() for major in range(r.first, r.last + 1)]
    assert len(said) == len(set(said))
    assert set(said) == {(s.form, major) for s in SPECIMENS for major in s.majors}


def test_the_table_has_enough_forms() -> None:
    assert len({r.form for r in rows()}) >= LEAST_FORMS


@pytest.mark.parametrize("path", sorted(CLASSIFYING.glob("*.py")), ids=lambda path: path.name)
def test_every_form_that_the_code_names_is_in_the_table(path: Path) -> None:
    forms = {r.form for r in rows()}
    patterns = set(_named_forms(ast.parse(path.read_text())))
    assert not [pattern for pattern in patterns if not any(re.fullmatch(pattern, form) for form in forms)]


def _named_forms(module: ast.Module) -> Iterator[str]:
    """A pattern for each form that is written out where a match is made, with anything for what is put in."""
    for call in (node for node in ast.walk(module) if isinstance(node, ast.Call) and node.args):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id if isinstance(call.func, ast.Name) else ""
        if name in ("match", "Match"):
            yield from _pattern(call.args[0])


def _pattern(form: ast.expr) -> Iterator[str]:
    if isinstance(form, ast.Constant):
        yield re.escape(str(form.value))
    elif isinstance(form, ast.JoinedStr):
        yield "".join(re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".*" for part in form.values)
