"""`pgsluice demo`: migrations on a busy shop, both ways, measured."""

import argparse

from pgsluice import api
from pgsluice.cli.options import add_options
from pgsluice.cli.output import narrator
from pgsluice.cli.terminal import Terminal
from pgsluice.model.settings import Settings
from pgsluice.report.measurements import MeasuredRun, measurement_table, measurement_verdict


def arguments(parser: argparse.ArgumentParser) -> None:
    add_options(parser, "demo")


def run(given: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    result = api.demo(terminal.say if not settings.quiet else lambda line: None, narrator(settings, terminal))
    runs = [
        MeasuredRun("no migration", result.baseline),
        MeasuredRun("plain SQL", result.plain.felt, result.plain.took_s),
        MeasuredRun("pgsluice", result.pgsluice.felt, result.pgsluice.took_s),
    ]
    terminal.result(measurement_table(runs))
    terminal.result("\n" + measurement_verdict(result.plain.felt, result.pgsluice.felt, result.baseline))
    return 0
