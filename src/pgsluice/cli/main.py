"""The `pgsluice` command: finds the command's module, calls it, and turns what happened into an exit code.

What only some calls need is imported where they need it: `pgsluice --help` has to answer at once.
"""

import argparse
import gc
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from types import FrameType, ModuleType

from pgsluice import __version__
from pgsluice.cli.commands import SUMMARIES
from pgsluice.cli.terminal import Terminal

INTERRUPTED, TERMINATED = 130, 143
"""As a shell says it: 128 and the signal's number."""
OBJECTS = 20_000
"""New ones between two looks of the garbage collector; 700 (Python's own) come with one module."""
UNFORESEEN = 6
"""Our own mistake: how far things came is not known, as after a failure in the middle."""


class Terminated(KeyboardInterrupt):
    """SIGTERM. A KeyboardInterrupt, so that the driver cancels what the server does for us, as it does for Ctrl-C."""


def program() -> int:
    """`main` as a program of its own, which reads modules by the hundred and ends soon: the garbage collector looks through them
    seldom, and not once more at the end. A tenth of the time that `check` takes for a small file."""
    gc.set_threshold(OBJECTS)
    code = main()
    gc.freeze()
    return code


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; raises nothing that a user can cause."""
    terminal = Terminal()
    before = signal.signal(signal.SIGTERM, _terminate)
    given = list(sys.argv[1:] if argv is None else argv)
    try:
        return _call(given, terminal)
    except Terminated:
        terminal.say(f"terminated; {_left_by(given)}")
        return TERMINATED
    except KeyboardInterrupt:
        terminal.say(f"interrupted; {_left_by(given)}")
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes it once more at its end
        return 0
    except Exception as error:
        return _unforeseen(error, terminal)
    finally:
        signal.signal(signal.SIGTERM, before)


def build_parser(command: str | None) -> argparse.ArgumentParser:
    """The parser with the arguments of `command` alone: the others' modules stay unread."""
    parser = argparse.ArgumentParser(
        prog="pgsluice", description="Changes the schema of a busy PostgreSQL database without anyone noticing."
    )
    parser.add_argument("--version", action="version", version=f"pgsluice {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, summary in SUMMARIES.items():
        one = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".", allow_abbrev=False)
        if name == command:
            _module(name).arguments(one)
    return parser


def _call(argv: list[str], terminal: Terminal) -> int:
    command = next((word for word in argv if word in SUMMARIES), None)
    parser = build_parser(command)
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as end:  # argparse has said what is wrong, or printed its help
        return int(end.code or 0)
    if arguments.command is None:
        parser.print_help(terminal.err)
        return 2
    return _run(arguments, terminal)


def _run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from pathlib import Path

    from pgsluice.cli.options import settings_of
    from pgsluice.model.errors import PgsluiceError

    try:
        settings = settings_of(arguments, os.environ, Path.cwd())
        return int(_module(arguments.command).run(arguments, settings, terminal))
    except PgsluiceError as error:
        terminal.say(f"error: {error}")
        return error.exit_code


def _left_by(given: Sequence[str]) -> str:
    """What stays of a command that was ended."""
    return "nothing of the rehearsal stays" if given[:1] in (["rehearse"], ["demo"]) else "`pgsluice status` says how far it came"


def _unforeseen(error: Exception, terminal: Terminal) -> int:
    import traceback

    terminal.say("".join(traceback.format_exception(error)))
    terminal.say("this is a mistake in pgsluice; please report it with the lines above. `pgsluice status` says how far it came")
    return UNFORESEEN


def _module(command: str) -> ModuleType:
    return import_module(f"pgsluice.cli.commands.{command.replace('-', '_')}")


def _terminate(signum: int, frame: FrameType | None) -> None:
    raise Terminated


if __name__ == "__main__":
    sys.exit(program())
