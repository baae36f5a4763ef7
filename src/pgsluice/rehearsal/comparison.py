"""Whether two databases have the same schema: by pg_dump, the order of columns and objects aside."""

import re
import subprocess
from collections import Counter

from pgsluice.execution.db.connection_string import variables_of
from pgsluice.rehearsal.server.installation import Installation

_NOISE = re.compile(r"^(--.*|SET .*|SELECT pg_catalog\.set_config.*|\\(un)?restrict .*|)$")


def same_schema(one: str, other: str, installation: Installation | None) -> bool | None:
    """None where there is no pg_dump, or it fails: it may be older than the server."""
    found = [_dumped(dsn, installation) for dsn in (one, other)] if installation is not None else [None]
    return None if None in found else found[0] == found[1]


def _dumped(dsn: str, installation: Installation) -> Counter[str] | None:
    command = [str(installation.program("pg_dump")), "--schema-only", "--exclude-schema=pgsluice"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=variables_of(dsn, "--server"))
    if ran.returncode != 0:
        return None
    lines = (line.strip().rstrip(",") for line in ran.stdout.splitlines())
    return Counter(line for line in lines if not _NOISE.match(line))
