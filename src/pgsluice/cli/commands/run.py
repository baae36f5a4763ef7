"""`pgsluice run PATH...` and `pgsluice run PLAN.json`: apply what is pending."""

import argparse

from pgsluice import api
from pgsluice.cli.options import add_options
from pgsluice.cli.output import narrator
from pgsluice.cli.terminal import Terminal
from pgsluice.model.settings import Settings
from pgsluice.report.plan_text import plan_text
from pgsluice.report.style import Style


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a .sql file or a folder of them, in order; or one saved plan (PLAN.json)")
    add_options(parser, "run")


def run(given: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    result = api.run(given.paths, settings, narrator(settings, terminal))
    if settings.dry_run and result.plan is not None:
        terminal.result(plan_text(result.plan, Style(terminal.out_colour)))
    for line in _summary(result, settings.dry_run):
        terminal.result(line)
    return 0


def _summary(result: api.RunResult, dry_run: bool) -> list[str]:
    would = "would be " if dry_run else ""
    parts = (
        (f"{would}taken as applied before", result.adopted),
        (f"{would}gone on with", result.resumed),
        (f"{would}applied", result.applied),
    )
    done = [f"{what}: {', '.join(names)}" for what, names in parts if names]
    return (done or ["nothing is pending"]) + [f"waits for `pgsluice contract {name}`" for name in result.waiting]
