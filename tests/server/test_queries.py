"""Every named query of ours is accepted by every server version."""

import re
from contextlib import closing
from pathlib import Path

import pytest

import pgsluice
from pgsluice.execution.db.connect import connect
from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.journal.installation import install
from tests.support.servers import TestServer

ROOT = Path(pgsluice.__file__).parent
FILES = [file for file in ROOT.glob("**/*.sql") if "-- name:" in file.read_text(encoding="utf-8")]
PACKAGES = sorted({".".join(("pgsluice", *file.parent.relative_to(ROOT).parts)) for file in FILES})
PREPARABLE = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "VALUES")
"""The others are SET, BEGIN and the like, which tests of their own run."""


def prepared(sql: str) -> str:
    """The query as PREPARE takes it: psycopg's parameters by number."""
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", sql)))
    for number, name in enumerate(names, 1):
        sql = sql.replace(f"%({name})s", f"${number}")
    return f"PREPARE named AS {sql.replace('%%', '%') if names else sql}"


@pytest.mark.parametrize("package", PACKAGES)
def test_every_query_is_accepted(server: TestServer, database: str, package: str):
    """A comment `-- Since 15` under a query's name keeps it away from older servers."""
    with closing(connect(database, "test", environment={})) as session:
        install(session)
        for sql in named_queries(package).values():
            statement = re.sub(r"\A(--[^\n]*\n|\s)*", "", sql)
            since = re.search(r"^-- Since (\d+)", sql, re.MULTILINE)
            if statement.startswith(PREPARABLE) and server.major >= int(since[1] if since else 0):
                session.run(prepared(statement))
                session.run("DEALLOCATE named")
