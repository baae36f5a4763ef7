"""`pgsluice watch`: who waits behind whom, live."""

import argparse
import json
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec

from pgsluice import watching
from pgsluice.cli.options import add_options, refuse_format
from pgsluice.cli.recording import Recorder, read_recording
from pgsluice.cli.terminal import Terminal
from pgsluice.model.errors import InputError, UsageError
from pgsluice.model.settings import Settings
from pgsluice.model.snapshot import Backend, Snapshot


def arguments(parser: argparse.ArgumentParser) -> None:
    add_options(parser, "watch")


def run(given: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    refuse_format(settings, "watch")
    try:
        if settings.web:
            return _page(settings, terminal)
        if _live(settings, terminal):
            return _program(settings)
        return _replayed(settings, settings.replay, terminal) if settings.replay is not None else _watched(settings, terminal)
    except KeyboardInterrupt as end:
        if type(end) is not KeyboardInterrupt:
            raise
        return 0  # how one leaves it


def _live(settings: Settings, terminal: Terminal) -> bool:
    """Whether there is somebody to show the terminal program to, and the program."""
    if settings.once or settings.format != "text" or not (terminal.out_colour and sys.stdin.isatty()):
        return False
    if find_spec("textual") is None:
        terminal.say("the terminal program needs pip install 'pgsluice[watch]'; until then, plain lines:")
        return False
    return True


def _program(settings: Settings) -> int:
    """The terminal program, on a server or a recording."""
    from pgsluice.cli.live.program import Controls, LiveProgram

    if settings.replay is not None:
        looks = _recorded(settings.replay)
        LiveProgram(_in_turn(looks), Controls(_not_on_a_recording, None, None), settings.interval).run()
        return 0
    with _recorded_looks(settings) as look:
        end = partial(_end, settings) if settings.allow_kill else None
        controls = Controls(partial(_cancel, settings), end, partial(_steer, settings))
        LiveProgram(look, controls, settings.interval).run()
    return 0


def _page(settings: Settings, terminal: Terminal) -> int:
    """The page, until Ctrl-C."""
    if find_spec("starlette") is None or find_spec("uvicorn") is None:
        need = "pip install 'pgsluice[watch]'"
        raise UsageError("no-page", "the page needs starlette and uvicorn, which are not installed", next=need)
    from pgsluice.web.pages import Orders
    from pgsluice.web.serving import serve

    token = secrets.token_urlsafe(16) if settings.control else None
    end = partial(_end, settings) if settings.allow_kill else None
    orders = Orders(token, partial(_cancel, settings), end, partial(_steer, settings))
    with _recorded_looks(settings) as look:
        serve(look, orders, settings.interval, settings.listen, terminal.say)
    return 0


@contextmanager
def _recorded_looks(settings: Settings) -> Iterator[watching.Look]:
    """Gives what looks, at the server or at a recording, and writes it down with --record."""
    if settings.replay is not None:
        yield _in_turn(_recorded(settings.replay))
        return
    recorder = Recorder(settings.record)
    try:
        with watching.watching(settings) as look:

            def recorded_look() -> Snapshot:
                snapshot = look()
                recorder.write(snapshot)
                return snapshot

            yield recorded_look
    finally:
        recorder.close()


def _cancel(settings: Settings, backend: Backend) -> str:
    return "cancelled" if watching.cancel(backend, settings) else "it has gone on meanwhile: left alone"


def _end(settings: Settings, backend: Backend) -> str:
    return "ended" if watching.end(backend, settings) else "it has gone on meanwhile: left alone"


def _steer(settings: Settings, order: str) -> str:
    return watching.steer(order, settings)


def _not_on_a_recording(backend: Backend) -> str:
    return "this is a recording"


def _in_turn(looks: Sequence[Snapshot]) -> Callable[[], Snapshot]:
    """One after the other; the last one stays."""
    left = list(reversed(looks))
    return lambda: left.pop() if len(left) > 1 else left[0]


def _recorded(path: str) -> list[Snapshot]:
    looks = list(read_recording(path))
    if not looks:
        raise InputError("bad-recording", f"there is no look in {path}", where=path, next="record again: `pgsluice watch --record FILE`")
    return looks


def _watched(settings: Settings, terminal: Terminal) -> int:
    with _recorded_looks(settings) as look:
        for snapshot in _looks(look, settings):
            terminal.result(_text(snapshot, settings, terminal))
    return 0


def _looks(look: watching.Look, settings: Settings) -> Iterator[Snapshot]:
    """The looks, one each interval from the start of the last; only the first with --once."""
    while True:
        began = time.monotonic()
        yield look()
        if settings.once:
            return
        time.sleep(max(0.05, settings.interval - (time.monotonic() - began)))


def _replayed(settings: Settings, path: str, terminal: Terminal) -> int:
    """All looks of the recording, with --once the last one."""
    looks = _recorded(path)
    for snapshot in looks[-1:] if settings.once else looks:
        terminal.result(_text(snapshot, settings, terminal))
    return 0


def _text(snapshot: Snapshot, settings: Settings, terminal: Terminal) -> str:
    if settings.format == "json":
        from pgsluice.model.snapshot_json import snapshot_to_json

        return json.dumps(snapshot_to_json(snapshot), indent=2 if settings.once else None, ensure_ascii=False)
    import shutil

    from pgsluice.report.activity_text import snapshot_text
    from pgsluice.report.style import Style

    width = shutil.get_terminal_size((140, 40)).columns if terminal.out.isatty() else 140
    return snapshot_text(snapshot, Style(terminal.out_colour), width)
