"""pgsluice killed with SIGKILL at random instants of a migration, and run again each time, until it ends by itself."""

import random
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.histories.clones import Clones, command
from tests.support.command import environment

KILLS = 4
"""So often at most; then it may come to its end."""

START_S = 0.4
"""Before that it is still being loaded: nothing has been sent to the server."""


@dataclass
class Killer:
    """A runner for `verdicts`. `kills` counts those that met a run."""

    seed: int
    kills: int = 0
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def __call__(self, folder: Path, clones: Clones, options: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        line = command(folder, clones.ours, options)
        for _ in range(KILLS):
            ran = self._until_killed(line)
            if ran is not None:
                return ran
        return subprocess.run(line, capture_output=True, text=True, env=environment(), timeout=900, check=False)

    def _until_killed(self, line: list[str]) -> subprocess.CompletedProcess[str] | None:
        """How it ended, None where it was killed before. The time follows no plan: short ones are likelier, as most steps are short."""
        process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
        try:
            out, err = process.communicate(timeout=START_S + self._random.expovariate(1 / 1.5))
            return subprocess.CompletedProcess(line, process.returncode, out, err)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            self.kills += 1
            return None
