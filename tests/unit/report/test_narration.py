"""The news of a run, on a pipe and on a terminal in colour."""

import io

import pytest

from pgsluice.model import events
from pgsluice.model.activity import Blocker
from pgsluice.report.narration import Narrator
from pgsluice.report.style import CLEAR_LINE, Style


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def stream():
    return io.StringIO()


def test_a_strike_from_start_to_end(stream: io.StringIO):
    tell = Narrator(stream, Style())
    tell(events.MigrationStarted("m", "", 2, False))
    tell(events.StepStarted("m", "1", "expand", "build_index", "CREATE INDEX\n  CONCURRENTLY i ON t (a)", 1, 2))
    blocker = Blocker(42, "public.t", "ACCESS SHARE", 3.0, user="app")
    tell(events.Waiting("m", "1", "a gap on public.t", (blocker,), 0.5))
    tell(events.StrikeFailed("m", "1", 1, 20, "lock timeout"))
    tell(events.StepDone("m", "1", 1.25, 3.21, 2))
    tell(events.GateReached("m", "", ("ALTER TABLE t DROP b",)))
    assert stream.getvalue().splitlines() == [
        "m: 2 steps",
        "  1/2 expand, build index: CREATE INDEX CONCURRENTLY i ON t (a)",
        "      waiting for 500 ms: a gap on public.t",
        "        pid 42, user app, 3.0 s, holds ACCESS SHARE on public.t",
        "      done in 1.2 s (from lock request to commit 3.2 ms, attempt 2)",
        "  1 step waits for `pgsluice contract m`",
    ]


def test_verbose_says_every_attempt(stream: io.StringIO):
    Narrator(stream, Style(), verbose=True)(events.StrikeFailed("m", "1", 1, 20, "lock timeout"))
    assert "attempt 1 (lock_timeout 20 ms): lock timeout" in stream.getvalue()


def test_on_a_pipe_progress_is_a_line_every_ten_seconds(stream: io.StringIO):
    clock = Clock()
    tell = Narrator(stream, Style(), clock=clock)
    for second in range(31):
        clock.now = float(second)
        tell(events.Progress("m", "1", second * 10, 1000, "blocks", "scanning"))
    assert stream.getvalue().splitlines() == [
        "      100 of 1,000 blocks (10%), scanning",
        "      200 of 1,000 blocks (20%), scanning",
        "      300 of 1,000 blocks (30%), scanning",
    ]


def test_on_a_terminal_progress_is_one_line_that_the_next_news_replace(stream: io.StringIO):
    clock = Clock()
    tell = Narrator(stream, Style(colour=True), clock=clock)
    for clock.now in (0.0, 0.1, 0.3):
        tell(events.Progress("m", "1", 5, None, "rows", ""))
    tell(events.StepSkipped("m", "1", "done already"))
    assert stream.getvalue() == f"{CLEAR_LINE}      5 rows" * 2 + f"{CLEAR_LINE}  step 1 skipped: done already\n"


def test_a_reporter_cannot_hurt_a_run(stream: io.StringIO):
    stream.close()
    Narrator(stream, Style())(events.Notice("m", "", "unheard"))
