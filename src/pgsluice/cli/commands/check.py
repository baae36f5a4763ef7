"""`pgsluice check PATH...`: what each statement would do to a busy database."""

import argparse
import sys
from importlib import import_module

from pgsluice import api
from pgsluice.cli.options import add_options, refuse_format
from pgsluice.cli.terminal import Terminal
from pgsluice.model.finding import Findings, Severity
from pgsluice.model.settings import Settings

FOUND = 1
"""Exit code where a finding is as severe as --fail-on or more."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a .sql file, a folder of them, or - for standard input")
    add_options(parser, "check")


def run(given: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    refuse_format(settings, "check")
    findings = api.check(given.paths, settings, sys.stdin.buffer.read)
    terminal.result(_text(findings, settings.format, terminal.out_colour))
    return FOUND if settings.fail_on != "never" and findings.at_least(Severity(settings.fail_on)) else 0


def _text(findings: Findings, format: str, colour: bool) -> str:
    """The findings in one of the formats; only that one's module is imported."""
    if format == "text":
        from pgsluice.report.findings_text import findings_text
        from pgsluice.report.style import Style

        return findings_text(findings, style=Style(colour))
    render = getattr(import_module(f"pgsluice.report.findings_{format}"), f"findings_{format}")
    return str(render(findings, api.rules() if format == "sarif" else ()))
