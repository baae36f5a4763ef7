"""`pgsluice rules`: the hazards that check knows."""

import argparse

from pgsluice import api
from pgsluice.cli.options import add_options, refuse_format
from pgsluice.cli.terminal import Terminal
from pgsluice.model.settings import Settings
from pgsluice.report.rules import rules_json, rules_text
from pgsluice.report.style import Style


def arguments(parser: argparse.ArgumentParser) -> None:
    add_options(parser, "rules")


def run(given: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    refuse_format(settings, "rules")
    pages = api.rules()
    terminal.result(rules_json(pages) if settings.format == "json" else rules_text(pages, Style(terminal.out_colour)))
    return 0
