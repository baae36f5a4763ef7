"""A runner that is killed at random instants and started again, as by an operating system short of memory."""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

from pgsluice.model.errors import StepFailedError
from pgsluice.model.settings import Settings

LEAST_S, MOST_S = 0.15, 3.0
"""How long a runner lives before it is killed: from its first connection on, into the strikes and backfills of small tables."""


def run_command(paths: Sequence[str | Path], settings: Settings) -> list[str]:
    """`pgsluice run` on files, as a process of its own; the database is left to its environment."""
    options = ["--through", settings.through, "--treat-as-large", "--yes", "--quiet", "--stall-budget", str(settings.stall_budget)]
    options += ["--patience", str(settings.patience), *(f"--allow={rule}" for rule in settings.allow)]
    options += [f"--standby={dsn}" for dsn in settings.standby]
    options += ["--from-start"] if settings.start_after is None else ["--start-after", settings.start_after]
    return [sys.executable, "-m", "pgsluice.cli.main", "run", *map(str, paths), *options]


def run_killed(command: Sequence[str], environment: Mapping[str, str], kills: int, seed: int) -> int:
    """Run the command to its end, killing it with SIGKILL up to `kills` times on the way; how often it was killed.

    Raises StepFailedError `killed-run-failed` with what it said where it ends with an error."""
    draws, killed = Random(seed), 0
    while True:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment)
        if killed < kills and _outlived(process, draws.uniform(LEAST_S, MOST_S)):
            process.kill()
            process.communicate()
            killed += 1
            continue
        _, said = process.communicate()
        if process.returncode != 0:
            raise StepFailedError(
                "killed-run-failed", f"after {killed} kills the run ended with {process.returncode}: {said.strip()[-2000:]}"
            )
        return killed


def _outlived(process: subprocess.Popen[str], seconds: float) -> bool:
    time.sleep(seconds)
    return process.poll() is None
