"""Histories on databases with rows in every table, a migration at a time; prints a table.

python -m tests.histories.populated [--major N] [--rows N] [--only PATTERN] [--details] [--kill | --load] FOLDER...
"""

import argparse
import sys
from fnmatch import fnmatch
from pathlib import Path

from pg_matrix import installation
from pgsluice.model.postgres.versions import NEWEST
from pgsluice.rehearsal.server import ThrowawayServer
from tests.histories.clones import Chain, Runner, run_pgsluice, verdicts
from tests.histories.history import History, folders_in
from tests.histories.killing import Killer
from tests.histories.traffic import Application
from tests.histories.verdicts import Outcome, head, summary


def main(arguments: list[str]) -> int:
    """Prints the table and what is not the same; 1 where something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.histories.populated", description=__doc__)
    parser.add_argument("directories", nargs="+", type=Path)
    parser.add_argument("--major", type=int, default=NEWEST)
    parser.add_argument("--rows", type=int, default=200, help="rows in each table (default: 200)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="*", help="a pattern for the names of files: the others are plain SQL only")
    parser.add_argument("--details", action="store_true", help="say what was said of every migration that is not the same")
    parser.add_argument("--kill", action="store_true", help="kill pgsluice at random instants, and run it again")
    parser.add_argument("--load", action="store_true", help="let an application use the tables meanwhile, and say what it felt")
    chosen = parser.parse_args(arguments)
    killer = Killer(chosen.seed) if chosen.kill else None
    application = Application(chosen.seed) if chosen.load else None
    wrong = False
    print(head(), flush=True)
    with ThrowawayServer(installation(chosen.major)) as server:
        for folder in (f for directory in chosen.directories for f in folders_in(directory)):
            chain = Chain(server, History.read(folder), chosen.rows, chosen.seed, busy=chosen.load)
            outcomes = _replayed(chain, chosen.only, killer or application or run_pgsluice)
            wrong |= any(o.verdict.wrong for o in outcomes)
            print(summary(folder.name, outcomes), flush=True)
            for line in (line for o in outcomes for line in o.lines(whole=chosen.details)):
                print(line, flush=True)
            for line in application.told() if application else ():
                print(line, flush=True)
            for what, reason in sorted(chain.unfilled.items()):
                print(f"    without rows: {what} ({reason})", flush=True)
    if killer is not None:
        print(f"killed {killer.kills} times (seed {killer.seed})", flush=True)
    return wrong


def _replayed(chain: Chain, only: str, run: Runner) -> list[Outcome]:
    outcomes = list[Outcome]()
    with chain.opened():
        for file in chain.history.files:
            outcomes += verdicts(chain, file, run) if fnmatch(file.name, only) else []
            outcomes += chain.advance(file)
    return outcomes


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
