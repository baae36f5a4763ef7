"""`pgsluice rehearse PATH...`: the migrations on copies of the schema under load, plainly and by plan, measured."""

import argparse
import json

from pgsluice import api
from pgsluice.cli.options import add_options, refuse_format
from pgsluice.cli.output import narrator, write_file
from pgsluice.cli.terminal import Terminal
from pgsluice.model.rehearsal import Limits
from pgsluice.model.settings import Settings
from pgsluice.report.rehearsal_html import rehearsal_html
from pgsluice.report.rehearsal_json import rehearsal_to_json
from pgsluice.report.rehearsal_text import rehearsal_markdown, rehearsal_text


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="a .sql file, on what stands before it in its folder; or a folder: its last migration"
    )
    add_options(parser, "rehearse")


def run(given: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    refuse_format(settings, "rehearse")
    say = terminal.say if not settings.quiet else lambda line: None
    rehearsal = api.rehearse(given.paths, settings, say, narrator(settings, terminal))
    limits = Limits(settings.max_stall or settings.stall_budget, settings.max_errors)
    if settings.html is not None:
        write_file(settings.html, rehearsal_html(rehearsal, limits))
    if settings.format == "json":
        terminal.result(json.dumps(rehearsal_to_json(rehearsal, limits), indent=1))
    else:
        terminal.result((rehearsal_markdown if settings.format == "markdown" else rehearsal_text)(rehearsal, limits))
    return 0 if rehearsal.passes(limits) else 1
