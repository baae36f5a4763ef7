"""A live database as the model of a rehearsal: its schema by pg_dump, never its rows."""

import os
import re
import subprocess

from pgsluice.analysis.parsing.migrations import Migration, migration_of
from pgsluice.execution.db.connection_string import variables_of
from pgsluice.model.errors import ConnectionFailedError
from pgsluice.rehearsal.server.installation import Installation

TIMEOUT_S = 300.0
"""A schema of 10,000 tables takes pg_dump about a minute."""

_DUMPED = re.compile(r"^-- Dumped from database version (\d+)", re.MULTILINE)


def live_schema(dsn: str, installation: Installation) -> Migration:
    """The DDL of a database, our own schema left out; raises ConnectionFailedError with what pg_dump said."""
    command = [str(installation.program("pg_dump")), "--schema-only", "--no-owner", "--no-publications", "--no-subscriptions"]
    variables = {**os.environ, **variables_of(dsn, "--from")}
    # ACCESS SHARE alone, but it would wait for somebody's ACCESS EXCLUSIVE
    environment = {**variables, "PGOPTIONS": f"{variables.get('PGOPTIONS', '')} -c lock_timeout=1s".strip()}
    try:
        ran = subprocess.run(
            [*command, "--exclude-schema=pgsluice"], capture_output=True, text=True, timeout=TIMEOUT_S, check=False, env=environment
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(str(error)) from None
    if ran.returncode != 0:
        raise _failed(ran.stderr.strip())
    return migration_of("live.sql", "the live schema", ran.stdout)


def dumped_major(text: str) -> int | None:
    """The major of the server that pg_dump read, as a dump itself says; None where it does not."""
    said = _DUMPED.search(text)
    return int(said[1]) if said is not None else None


def _failed(said: str) -> ConnectionFailedError:
    return ConnectionFailedError(
        "schema-not-read",
        f"pg_dump could not read the schema: {said}",
        where="--from",
        next="check the connection string, or give --schema FILE",
    )
