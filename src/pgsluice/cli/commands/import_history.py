"""`pgsluice import-history PATH...`: take over what another tool recorded as done."""

import argparse

from pgsluice import api
from pgsluice.cli.options import add_options
from pgsluice.cli.output import narrator
from pgsluice.cli.terminal import Terminal
from pgsluice.model.foreign_history import ImportResult
from pgsluice.model.settings import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help="the folder of the tool's migrations, or files, in order")
    add_options(parser, "import-history")


def run(given: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    result = api.import_history(given.paths, settings, narrator(settings, terminal))
    for line in _summary(result, settings.dry_run):
        terminal.result(line)
    return 0


def _summary(result: ImportResult, dry_run: bool) -> list[str]:
    """What was taken over, from where, and what is left."""
    would = "would be " if dry_run else ""
    known = f", {len(result.known)} known before" if result.known else ""
    lines = [f"{result.tool} ({result.table}): {would}taken as applied: {len(result.adopted)}{known}; left to run: {len(result.left)}"]
    lines += [f"  {name}" for name in result.adopted]
    lines += [f"left to run: {', '.join(result.left)}"] if result.left else []
    return lines + [f"note: {note}" for note in result.notes]
