"""`pgsluice throttle [NAME] --pace PACE`: another pace for a backfill that runs."""

import argparse

from pgsluice import backfills
from pgsluice.cli.options import add_options
from pgsluice.cli.terminal import Terminal
from pgsluice.model.settings import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="the backfill, as `status` names it (default: the only one)")
    add_options(parser, "throttle")


def run(given: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    terminal.result(f"{backfills.throttle(given.name, settings)}: pace {settings.pace}")
    return 0
