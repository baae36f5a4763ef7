"""The command line as a user calls it: another process, its streams and its exit code."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

COMMAND = (sys.executable, "-m", "pgsluice.cli.main")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call of pgsluice left behind."""

    code: int
    out: str
    err: str


def environment(**variables: str) -> dict[str, str]:
    """Ours without anything that would tell pgsluice or libpq what to do."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PGSLUICE_", "PG", "DATABASE_URL", "COVERAGE"))}
    return {**clean, **variables}


def pgsluice(*arguments: str | Path, cwd: Path | None = None, **variables: str) -> Outcome:
    """Call pgsluice and wait for its end; a traceback is never an answer."""
    ran = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert "Traceback" not in ran.stderr, ran.stderr
    return Outcome(ran.returncode, ran.stdout, ran.stderr)
