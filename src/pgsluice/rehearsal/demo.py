"""The demo: five ordinary migrations on a busy shop, first as plain SQL, then as pgsluice runs them, both measured."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pgsluice.analysis.parsing.migrations import read_migration
from pgsluice.model.measurement import Measurement
from pgsluice.rehearsal.demo_scene import CONNECTIONS, RATE, ShopFiles, ShopServer, shop_files, shop_server
from pgsluice.rehearsal.observation import observed
from pgsluice.rehearsal.plain import run_plainly

BASELINE_S = 12.0
"""Long enough for three transactions of the slow reader."""
PAUSE_S = 2.0
"""Between plain files, as between the statements of somebody who looks after each; it is not in the duration."""
Say = Callable[[str], None]
RunPlan = Callable[[str, Path, str], None]
"""Runs the migrations of a folder on a database, the ones up to a NAME taken as applied: (dsn, folder, start_after)."""


@dataclass(frozen=True, slots=True)
class Half:
    """One way of running the migrations. `took_s` is what they took themselves, `failed_attempts` how often one failed
    and was run again."""

    felt: Measurement
    took_s: float
    failed_attempts: int = 0


@dataclass(frozen=True, slots=True)
class DemoResult:
    """`baseline` is the same load without any migration."""

    server_version: str
    migrations: int
    rate: float
    connections: int
    baseline: Measurement
    plain: Half
    pgsluice: Half


def run_demo(run_plan: RunPlan, say: Say) -> DemoResult:
    """Runs the whole demo, in under 3 minutes, on a server of its own; `say` is told what happens, a line at a time.

    Raises ConnectionFailedError where no server can be started, and whatever `run_plan` raises."""
    shop = shop_files()
    say("starting a PostgreSQL server with a shop of 451,000 rows in it")
    with shop_server(shop) as server:
        load = f"{RATE:.0f} requests/s over {CONNECTIONS} connections, one slow report holds transactions of 2 to 5 s"
        say(f"PostgreSQL {server.version}; the application: {load}")
        baseline, plain = _plain_half(server, shop, say)
        pgsluice = _pgsluice_half(server, shop, baseline, run_plan, say)
        return DemoResult(server.version, len(shop.migrations), RATE, CONNECTIONS, baseline, plain, pgsluice)


def _plain_half(server: ShopServer, shop: ShopFiles, say: Say) -> tuple[Measurement, Half]:
    dsn = server.copy("shop_plain")
    say(f"baseline: {BASELINE_S:.0f} s without any migration")
    seen = observed(dsn, shop.load(), lambda: _run_plainly(dsn, shop.migrations, say), BASELINE_S)
    return seen.baseline, Half(seen.felt, *seen.result)


def _pgsluice_half(server: ShopServer, shop: ShopFiles, baseline: Measurement, run_plan: RunPlan, say: Say) -> Half:
    dsn = server.copy("shop_pgsluice")
    say("pgsluice run, on a fresh copy")
    seen = observed(dsn, shop.load(), lambda: run_plan(dsn, shop.migrations_folder, shop.schema.stem), baseline)
    return Half(seen.felt, seen.took_s)


def _run_plainly(dsn: str, migrations: list[Path], say: Say) -> tuple[float, int]:
    """Each file as one transaction, as `psql -1 -f` does: seconds that the files took, and how often one failed."""
    took_s, failed = 0.0, 0
    for number, file in enumerate(migrations):
        time.sleep(PAUSE_S if number else 0)
        begin_s = time.monotonic()
        failed += run_plainly(dsn, read_migration(file), say)
        took_s += time.monotonic() - begin_s
        say(f"plain SQL: {file.name} took {time.monotonic() - begin_s:.1f} s")
    return took_s, failed
