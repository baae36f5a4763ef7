"""Where a scene is played: its databases, the program run through the proxy, and what must be true in the end."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.crash.proxy import Harm, Interference, Point, Proxy
from tests.crash.scenes import SCENES, Scene
from tests.support.oracle import Picture, differences, picture
from tests.support.servers import OWNER, TestServer
from tests.support.sql import execute, rows

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 60

_JOURNAL = """
SELECT 'migration ' || name || ' is ' || state FROM pgsluice.migration WHERE state <> %(migration)s
UNION ALL SELECT 'step ' || id || ' is ' || state FROM pgsluice.step WHERE state <> %(step)s
UNION ALL SELECT 'the lease does ' || doing FROM pgsluice.lease WHERE doing <> ''
UNION ALL SELECT 'nothing is recorded' WHERE NOT EXISTS (SELECT FROM pgsluice.migration)
"""


@dataclass
class Program:
    """The program under test, started against a proxy."""

    process: subprocess.Popen[str]

    def kill(self) -> None:
        """`end` must follow."""
        self.process.send_signal(signal.SIGKILL)

    def end(self) -> tuple[int, str]:
        """Its exit code and what it said, once it has ended."""
        _, said = self.process.communicate(timeout=TIMEOUT_S)
        return self.process.returncode, said


class Stage:
    """Plays one scene on one server; each play has a database of its own, copied from the one that the scene starts from."""

    def __init__(self, server: TestServer, name: str, template: str) -> None:
        self.server, self.name, self._template = server, name, template
        self.scene: Scene = SCENES[name]

    @contextmanager
    def database(self) -> Iterator[str]:
        """The owner's connection string of a fresh copy."""
        with self.server.fresh_database(self._template) as name:
            yield self.server.process.dsn(name, OWNER)

    @contextmanager
    def proxy(self) -> Iterator[Proxy]:
        proxy = Proxy(("127.0.0.1", self.server.process.port))
        try:
            yield proxy
        finally:
            proxy.close()

    def start(self, proxy: Proxy, dsn: str, command: str, wait_s: float = 0.0) -> Program:
        """Starts the program; replaced by the command line in one place: here."""
        through = proxy.reaching(dsn, self.server.process.password)
        line = [sys.executable, "-m", "tests.crash.driver", through, self.name, command, str(wait_s)]
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
        return Program(subprocess.Popen(line, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True))

    def finish(self, dsn: str, command: str) -> None:
        """Runs the program to its good end, with nothing in its way."""
        with self.proxy() as proxy:
            code, said = self.start(proxy, dsn, command).end()
            assert code == 0, said

    def points(self, commands: tuple[str, ...], purpose: str) -> list[Point]:
        """What an undisturbed run of the last command sends, after the commands before it."""
        with self.database() as dsn:
            for command in commands[:-1]:
                self.finish(dsn, command)
            with self.proxy() as proxy:
                code, said = self.start(proxy, dsn, commands[-1]).end()
                assert code == 0, said
                return [p for p in proxy.sent if p.purpose == purpose]

    def disturb(self, dsn: str, command: str, point: Point, harm: Harm) -> tuple[bool, str]:
        """Runs the program with the harm at that point: whether the point was reached, and what is wrong with its end.
        One that is not killed gets over a lost connection by itself, but for one that it was only about to open."""
        with self.proxy() as proxy:
            program: list[Program] = []
            proxy.interference = Interference(point, harm, lambda: program[0].kill(), self._terminate)
            program.append(self.start(proxy, dsn, command))
            code, said = program[0].end()
            good = (-signal.SIGKILL,) if harm in (Harm.KILL_BEFORE, Harm.KILL_AFTER) and proxy.struck.is_set() else (0, 3)
            return proxy.struck.is_set(), "" if code in good else f"exit code {code}: {said}"

    def _terminate(self, pid: int) -> None:
        execute(self.server.dsn, f"SELECT pg_terminate_backend({pid})")

    def expected(self) -> Picture:
        """What the scene's plain SQL makes of the database."""
        with self.database() as dsn:
            execute(dsn, *self.scene.plain)
            return picture(dsn)


def wrong(dsn: str, expected: Picture, *, migration: str, step: str) -> str:
    """What is not as it must be: rows, schema, leftovers, journal; '' where all is well."""
    found = [line for (line,) in rows(dsn, _JOURNAL, {"migration": migration, "step": step})]
    return "\n".join(filter(None, [differences(expected, picture(dsn)), *found]))


@contextmanager
def template(server: TestServer, scene: Scene) -> Iterator[str]:
    """The name of a database that a scene starts from."""
    with server.fresh_database() as name:
        dsn = server.process.dsn(name, OWNER)
        execute(dsn, scene.before)
        yield name
