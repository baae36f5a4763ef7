"""`pgsluice demo`: the rehearsal of migrations on a busy shop."""

import argparse
import tempfile
from pathlib import Path

from pgsluice import api
from pgsluice.cli.options import add_options
from pgsluice.cli.output import narrator, write_file
from pgsluice.cli.terminal import Terminal
from pgsluice.model.rehearsal import Limits
from pgsluice.model.settings import Settings
from pgsluice.report.rehearsal_html import rehearsal_html
from pgsluice.report.rehearsal_text import rehearsal_table, verdict

PAGE = "pgsluice-demo.html"


def arguments(parser: argparse.ArgumentParser) -> None:
    add_options(parser, "demo")


def run(given: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    found = api.demo(terminal.say if not settings.quiet else lambda line: None, narrator(settings, terminal))
    page = settings.html or str(Path(tempfile.gettempdir()) / PAGE)
    limits = Limits(settings.max_stall or settings.stall_budget)
    write_file(page, rehearsal_html(found, limits))
    terminal.result("\n".join((rehearsal_table(found), "", *verdict(found, limits), "", f"The report, with charts: {page}")))
    return 0
