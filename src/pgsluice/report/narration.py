"""The news of a run as lines, as they come."""

import threading
import time
from collections.abc import Callable
from typing import TextIO

from pgsluice.model import events
from pgsluice.model.events import Event
from pgsluice.report.style import CLEAR_LINE, Style
from pgsluice.report.texts import counted, duration, one_line

LINE_EVERY_S = 10.0
"""Between two progress lines of one step where lines cannot be written over."""
REDRAW_EVERY_S = 0.2
"""Between two states of a line that is written over."""


class Narrator:
    """Takes events, from several threads, and writes lines to `stream`. Never raises: a reporter cannot hurt a run.

    With colours progress is one line that is written over; without, a line every 10 s. `verbose` says every attempt and
    whole statements."""

    def __init__(self, stream: TextIO, style: Style, *, verbose: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._style, self._verbose, self._clock = stream, style, verbose, clock
        self._lock = threading.Lock()
        self._shown_at: dict[tuple[str, str], float] = {}
        self._open_line = False

    def __call__(self, event: Event) -> None:
        try:
            with self._lock:
                self._take(event)
        except (OSError, ValueError):  # the stream is full, closed or gone
            return

    def _take(self, event: Event) -> None:
        if isinstance(event, events.Progress):
            self._progress(event)
        elif (line := self._line(event)) is not None:
            self._close_line()
            self._write(line + "\n")

    def _line(self, event: Event) -> str | None:
        match event:
            case events.MigrationStarted():
                resumed = ", resumed" if event.resumed else ""
                return f"{self._style(event.migration, 'bold')}: {counted(event.steps, 'step')}{resumed}"
            case events.StepStarted():
                sql = event.sql if self._verbose else one_line(event.sql)
                return f"  {event.number}/{event.of} {event.phase}, {event.kind.replace('_', ' ')}: {sql}"
            case events.StepDone():
                return f"      {self._style('done', 'green')} in {duration(event.duration_s)}{_strike_facts(event)}"
            case events.StepSkipped():
                return f"  step {event.step} skipped: {event.reason}"
            case events.MigrationDone():
                return f"  {self._style('done', 'green')} in {duration(event.duration_s)}"
            case _:
                return self._remark(event)

    def _remark(self, event: Event) -> str | None:
        match event:
            case events.Waiting():
                who = "".join(f"\n        {blocker.describe()}" for blocker in event.blockers)
                return f"      {self._style('waiting', 'yellow')} for {duration(event.waited_s)}: {event.what}{who}"
            case events.StrikeFailed():
                said = f"      attempt {event.attempt} (lock_timeout {event.lock_timeout_ms} ms): {event.why}"
                return said if self._verbose else None
            case events.Notice():
                return f"{'      ' if event.step else '  '}{self._style('note', 'yellow')}: {event.message}"
            case events.GateReached():
                return f"  {counted(len(event.waiting), 'step waits', 'steps wait')} for `pgsluice contract {event.migration}`"
            case _:
                return None

    def _progress(self, event: events.Progress) -> None:
        step, now = (event.migration, event.step), self._clock()
        pause = REDRAW_EVERY_S if self._style.colour else LINE_EVERY_S
        if now - self._shown_at.setdefault(step, now - (pause if self._style.colour else 0)) < pause:
            return
        self._shown_at[step] = now
        if self._style.colour:
            self._write(CLEAR_LINE + _share(event))
            self._open_line = True
        else:
            self._write(_share(event) + "\n")

    def _close_line(self) -> None:
        if self._open_line:
            self._write(CLEAR_LINE)
            self._open_line = False

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def _strike_facts(event: events.StepDone) -> str:
    if not event.held_ms:
        return ""
    tries = f", attempt {event.attempts}" if event.attempts > 1 else ""
    return f" (from lock request to commit {event.held_ms:.1f} ms{tries})"


def _share(event: events.Progress) -> str:
    of = f" of {event.total:,} {event.unit} ({event.done / event.total:.0%})" if event.total else f" {event.unit}"
    return f"      {event.done:,}{of}{', ' + event.detail if event.detail else ''}"
