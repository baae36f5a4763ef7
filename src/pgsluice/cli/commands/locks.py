"""`pgsluice locks PATH...`: what each statement locks, run as it is written."""

import argparse
import sys

from pgsluice import api
from pgsluice.cli.options import add_options, refuse_format
from pgsluice.cli.terminal import Terminal
from pgsluice.model.settings import Settings
from pgsluice.report.statement_locks import locks_json, locks_text
from pgsluice.report.style import Style


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a .sql file, a folder of them, or - for standard input")
    add_options(parser, "locks")


def run(given: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    refuse_format(settings, "locks")
    found = api.locks(given.paths, settings, sys.stdin.buffer.read)
    terminal.result(locks_json(found) if settings.format == "json" else locks_text(found, Style(terminal.out_colour)))
    return 0
