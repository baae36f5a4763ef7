"""`pgsluice backfill TABLE --set "c = expression" [--where ...]`, `--delete` and `--select QUERY`: one change, in batches."""

import argparse

from pgsluice import backfills
from pgsluice.cli.options import add_options
from pgsluice.cli.output import narrator
from pgsluice.cli.terminal import Terminal
from pgsluice.model.settings import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("table", metavar="TABLE", help="the table, as in SQL: with its schema where the search path does not find it")
    parser.add_argument("--set", action="append", default=[], metavar="ASSIGNMENT", help="column = expression, as in UPDATE (repeatable)")
    parser.add_argument("--delete", action="store_true", help="delete the rows instead")
    parser.add_argument(
        "--select", metavar="QUERY", help="insert into TABLE, or TABLE (columns), instead: what follows SELECT, from one table with a key"
    )
    parser.add_argument("--where", metavar="CONDITION", help="only rows for which this holds, as in SQL")
    parser.add_argument("--name", help="what `pause`, `resume`, `throttle` and `status` call it (default: made of both)")
    parser.add_argument("--skip-triggers", action="store_true", help="the table's triggers do not fire (needs a right of its own)")
    parser.add_argument("--skip-failing", action="store_true", help="pass over rows that cannot be changed, and record them")
    add_options(parser, "backfill")


def run(given: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    change = backfills.Change(
        given.table,
        tuple(given.set),
        delete=given.delete,
        where=given.where,
        select=given.select,
        name=given.name,
        skip_triggers=given.skip_triggers,
        skip_failing=given.skip_failing,
    )
    result = backfills.backfill(change, settings, narrator(settings, terminal))
    for line in summary(result):
        terminal.result(line)
    return 0


def summary(result: backfills.BackfillResult) -> list[str]:
    """What a backfill has done, for people."""
    hot = f", {result.hot / result.rows:.0%} of them on their page" if result.hot and result.rows else ""
    lines = [f"{result.name}: {result.rows:,} rows changed in {result.duration_s:.1f} s{hot}"]
    if result.bad:
        lines.append(f"{result.bad:,} rows could not be changed: SELECT * FROM pgsluice.backfill_bad_row")
    if not result.complete:
        lines.append("rows that need it keep coming; all that were there at the beginning are done")
    return lines
