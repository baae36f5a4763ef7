"""Writes the lock table from what real servers do: `gen_locks.py MAJOR=DSN ...` needs one server of each major.

Without options the table is written anew; with --check it is only compared, and the exit code is 1 where it differs.
The servers get databases named pgsluice_locks, dropped at the end. --only TEXT looks at the forms whose name has it.
"""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from pgsluice.analysis.locks.table import HEADING, Row, render  # noqa: E402
from tests.server.locks.specimen import Specimen, all_specimens  # noqa: E402
from tests.server.locks.truth import rows_of  # noqa: E402

TABLE = ROOT / "src/pgsluice/analysis/locks/table.txt"
PREAMBLE = "# Written by tools/gen_locks.py from what servers of each major did with the specimens of tests/server/locks. Do not edit.\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("servers", nargs="+", metavar="MAJOR=DSN")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    servers = {int(major): dsn for major, _, dsn in (s.partition("=") for s in options.servers)}
    specimens = [s for s in all_specimens() if options.only in s.form]
    with ThreadPoolExecutor(len(servers)) as threads:
        seen = dict(zip(servers, threads.map(lambda m: rows_of(servers[m], m, specimens), servers), strict=True))
    lines = [render(row) for specimen in specimens for row in merged(specimen, seen)]
    text = PREAMBLE + "\n".join([HEADING, *lines]) + "\n"
    if options.only:
        print(text)
        return 0
    return _check(text) if options.check else _write(text)


def merged(specimen: Specimen, seen: dict[int, dict[str, Row]]) -> list[Row]:
    """One row for each range of majors on which the servers did the same."""
    found: list[Row] = []
    for major in sorted(specimen.majors):
        row = seen[major][specimen.form]
        if found and found[-1].last == major - 1 and replace(found[-1], first=major, last=major) == row:
            found[-1] = replace(found[-1], last=major)
        else:
            found.append(row)
    return found


def _write(text: str) -> int:
    TABLE.write_text(text)
    print(f"{TABLE}: {text.count(chr(10)) - 2} rows")
    return 0


def _check(text: str) -> int:
    differing = set(text.splitlines()) ^ set(TABLE.read_text().splitlines())
    for line in sorted(differing):
        print(line)
    return 1 if differing else 0


if __name__ == "__main__":
    raise SystemExit(main())
