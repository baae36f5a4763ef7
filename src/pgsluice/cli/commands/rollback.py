"""`pgsluice rollback [NAME]`: take a migration back."""

import argparse

from pgsluice import api
from pgsluice.cli.options import add_options
from pgsluice.cli.output import narrator
from pgsluice.cli.terminal import Terminal
from pgsluice.model.progress import Loss
from pgsluice.model.settings import Settings
from pgsluice.report.losses import losses_text


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="the migration; needed unless exactly one is under way or waits")
    add_options(parser, "rollback")


def run(given: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    def ask(losses: tuple[Loss, ...]) -> bool:
        terminal.say(losses_text(losses))
        return settings.yes or terminal.ask("take the migration back, and lose these?")

    terminal.result(f"rolled back: {api.rollback(given.name, settings, narrator(settings, terminal), ask)}")
    return 0
