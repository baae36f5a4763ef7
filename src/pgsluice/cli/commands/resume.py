"""`pgsluice resume [NAME]`: let a paused backfill go on, or work on one that nobody works on."""

import argparse

from pgsluice import backfills
from pgsluice.cli.commands.backfill import summary
from pgsluice.cli.options import add_options
from pgsluice.cli.output import narrator
from pgsluice.cli.terminal import Terminal
from pgsluice.model.settings import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="the backfill, as `status` names it (default: the only one)")
    add_options(parser, "resume")


def run(given: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    name, result = backfills.resume(given.name, settings, narrator(settings, terminal))
    for line in summary(result) if result else [f"{name}: goes on"]:
        terminal.result(line)
    return 0
