"""The options of the command line, made from `model.settings`; and where else their values come from.

A flag goes before an environment variable, that before a configuration file, that before the default.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pgsluice.cli.configuration import read_configuration
from pgsluice.model.errors import UsageError
from pgsluice.model.settings import Option, OptionKind, Settings, options

_GIVEN = "option_"
"""Before the name of an option in the parsed arguments, so that none meets a command's own argument."""


def add_options(parser: argparse.ArgumentParser, command: str) -> None:
    """Give the parser the flags of a command. A flag that is not given leaves None. Each switch has a --no- form, too, for
    what a file or a variable has switched on."""
    for option in options():
        if command not in option.commands:
            continue
        spellings, dest = [option.short, option.flag] if option.short else [option.flag], _GIVEN + option.name
        if option.kind is OptionKind.SWITCH:
            parser.add_argument(*spellings, dest=dest, help=_help(option), action="store_const", const=True)
            parser.add_argument(option.flag.replace("--", "--no-", 1), dest=dest, help=argparse.SUPPRESS, action="store_const", const=False)
        else:
            action = "append" if option.kind is OptionKind.LIST else "store"
            parser.add_argument(*spellings, dest=dest, help=_help(option), action=action, metavar=metavar(option, command))


def settings_of(arguments: argparse.Namespace, environment: Mapping[str, str], directory: Path) -> Settings:
    """The settings of one call; raises UsageError for a value that makes no sense, wherever it stands, and `unknown-option`
    for a key that a configuration file should not have."""
    known = {option.name: option for option in options()}
    values: dict[str, Any] = read_configuration(directory)
    for name, option in known.items():
        text, flag = environment.get(option.variable), getattr(arguments, _GIVEN + name, None)
        if text:
            values[name] = option.from_text(text, option.variable)
        if flag is not None:
            values[name] = _of_flag(option, flag)
    return Settings(**values)


def refuse_format(settings: Settings, command: str) -> None:
    """Raises UsageError where --format is none that this command can print."""
    allowed = next(option for option in options() if option.name == "format").choices_of(command)
    if settings.format not in allowed:
        raise UsageError("bad-option", f"this command has no format {settings.format!r}", next=f"give one of {', '.join(allowed)}")


def metavar(option: Option, command: str) -> str:
    """What stands for the value: the choices, or a word."""
    return "|".join(map(str, option.choices_of(command))) or option.placeholder or option.kind.upper()


def _help(option: Option) -> str:
    shown = "" if option.default in (None, (), False) else f" (default: {default_text(option)})"
    return (option.help + shown).replace("%", "%%")


def default_text(option: Option) -> str:
    """The default as somebody would write it."""
    if option.kind is OptionKind.DURATION and option.default is not None:
        unit, seconds = next((u, s) for u, s in (("min", 60.0), ("s", 1.0), ("ms", 0.001)) if option.default >= s)
        return f"{option.default / seconds:g}{unit}"
    return "" if option.default in (None, ()) else str(option.default).lower()


def _of_flag(option: Option, given: Any) -> Any:
    if option.kind is OptionKind.LIST:
        return tuple(given)
    return given if option.kind is OptionKind.SWITCH else option.from_text(given, option.flag)
