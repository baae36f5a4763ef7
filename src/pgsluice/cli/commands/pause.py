"""`pgsluice pause [NAME]`: hold a backfill."""

import argparse

from pgsluice import backfills
from pgsluice.cli.options import add_options
from pgsluice.cli.terminal import Terminal
from pgsluice.model.settings import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="the backfill, as `status` names it (default: the only one)")
    add_options(parser, "pause")


def run(given: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    terminal.result(f"{backfills.pause(given.name, settings)}: paused; `pgsluice resume` goes on")
    return 0
