"""`pgsluice contract [NAME]`: pass the gate."""

import argparse

from pgsluice import api
from pgsluice.cli.options import add_options
from pgsluice.cli.output import narrator
from pgsluice.cli.terminal import Terminal
from pgsluice.model.settings import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="the migration; needed unless exactly one waits")
    add_options(parser, "contract")


def run(given: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    terminal.result(f"contracted: {api.contract(given.name, settings, narrator(settings, terminal))}")
    return 0
