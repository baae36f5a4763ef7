"""`pgsluice guard -- COMMAND`: any command's DDL, cancelled before others wait behind it for too long."""

import argparse

from pgsluice import watching
from pgsluice.cli.options import add_options
from pgsluice.cli.terminal import Terminal
from pgsluice.model.guarding import GuardEvent, GuardNotice
from pgsluice.model.settings import Settings
from pgsluice.report.guard import event_line
from pgsluice.report.style import Style


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("command_line", nargs="*", metavar="-- COMMAND", help="the command and its arguments, behind --")
    add_options(parser, "guard")


def run(given: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    style = Style(terminal.err_colour)

    def tell(news: GuardEvent | GuardNotice) -> None:
        if not settings.quiet:
            terminal.say(event_line(news, style))

    try:
        if settings.all and not settings.quiet:
            terminal.say("guard: watching all DDL of the database, until Ctrl-C")
        return watching.guard(given.command_line, settings, tell)
    except KeyboardInterrupt as end:
        if settings.all and type(end) is KeyboardInterrupt:
            return 0
        raise
