"""`pgsluice explain RULE`: a rule's page."""

import argparse

from pgsluice import api
from pgsluice.cli.terminal import Terminal
from pgsluice.model.settings import Settings
from pgsluice.report.rules import rule_text
from pgsluice.report.style import Style


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rule", metavar="RULE", help="the rule's name, such as set-not-null-scan")


def run(given: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    terminal.result(rule_text(api.rule(given.rule), Style(terminal.out_colour)))
    return 0
