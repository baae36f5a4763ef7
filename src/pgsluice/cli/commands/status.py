"""`pgsluice status`: how far everything is."""

import argparse
import json

from pgsluice import api
from pgsluice.cli.options import add_options, refuse_format
from pgsluice.cli.terminal import Terminal
from pgsluice.model.progress import MigrationState, Status
from pgsluice.model.settings import Settings

PENDING = 1
"""Exit code of --check where something is pending."""

_SETTLED = (MigrationState.DONE, MigrationState.ADOPTED, MigrationState.ROLLED_BACK)


def arguments(parser: argparse.ArgumentParser) -> None:
    add_options(parser, "status")


def run(given: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    refuse_format(settings, "status")
    status = api.status(settings)
    terminal.result(_text(status, settings, terminal.out_colour))
    return PENDING if settings.check and _pending(status) else 0


def _text(status: Status, settings: Settings, colour: bool) -> str:
    if settings.format == "json":
        from pgsluice.report.status_json import status_to_json

        return json.dumps(status_to_json(status), indent=2, ensure_ascii=False)
    from pgsluice.report.status_text import status_text
    from pgsluice.report.style import Style

    return status_text(status, Style(colour), verbose=settings.verbose)


def _pending(status: Status) -> bool:
    return bool(status.leftovers) or any(migration.state not in _SETTLED for migration in status.migrations)
