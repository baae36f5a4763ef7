"""`pgsluice plan PATH...`: what would be done."""

import argparse
import json

from pgsluice import api
from pgsluice.cli.options import add_options, refuse_format
from pgsluice.cli.output import write_file
from pgsluice.cli.terminal import Terminal
from pgsluice.model.plan import Plan
from pgsluice.model.settings import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a .sql file, or a folder of them, in the order in which they run")
    add_options(parser, "plan")


def run(given: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    refuse_format(settings, "plan")
    plan = api.plan(given.paths, settings)
    if settings.output is None:
        terminal.result(_text(plan, settings.format, terminal.out_colour))
        return 0
    asked = given.option_format is not None
    write_file(settings.output, _text(plan, settings.format if asked else "json", False) + "\n")
    if not settings.quiet:
        terminal.say(f"the plan is in {settings.output}")
    return 0


def _text(plan: Plan, format: str, colour: bool) -> str:
    """The plan in one of the formats; only that one's module is imported."""
    if format == "json":
        from pgsluice.model.plan_json import plan_to_json

        return json.dumps(plan_to_json(plan), indent=2, ensure_ascii=False)
    if format == "sql":
        from pgsluice.report.plan_sql import plan_sql

        return plan_sql(plan)
    from pgsluice.report.plan_text import plan_text
    from pgsluice.report.style import Style

    return plan_text(plan, Style(colour))
