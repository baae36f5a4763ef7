"""The terminal program: our runs, the lock forest, and how waiters, waits, backfills and lag went."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import Screen
from textual.widgets import Footer, OptionList, Sparkline, Static
from textual.widgets.option_list import Option

from pgsluice.cli.live.screens import Confirm, Help
from pgsluice.model.errors import PgsluiceError
from pgsluice.model.lock_forest import lock_forest
from pgsluice.model.snapshot import Backend, Snapshot
from pgsluice.report.activity_lines import Line, blocking_lines, lock_lines, long_lines
from pgsluice.report.activity_sentences import alarms, query, who
from pgsluice.report.activity_text import headline, operation_line, replication_lines, run_lines
from pgsluice.report.texts import duration

SHORTEST_S, LONGEST_S = 0.1, 60.0
KEPT = 120
"""Looks in the sparklines."""


@dataclass(frozen=True, slots=True)
class Controls:
    """What the keys do to the server; each returns what to say, and raises PgsluiceError."""

    cancel: Callable[[Backend], str]
    end: Callable[[Backend], str] | None
    steer: Callable[[str], str] | None
    """Takes pause, resume, slower or faster."""


_VIEWS = {"long": long_lines, "locks": lock_lines, "blocking": blocking_lines}
_SPARKS = ("waiters", "longest wait", "backfill rows/s", "lag")


class LiveProgram(App[None]):
    """Shows what `look` gives, each `interval_s`. Looking is done in a thread: a slow server never freezes the keys."""

    CSS = """
    #top { height: auto; max-height: 8; padding: 0 1; }
    #middle { height: 1fr; }
    #left { width: 2fr; border: round $surface-lighten-2; padding: 0 1; }
    #right { width: 5fr; height: 100%; border: round $surface-lighten-2; }
    #right > .option-list--option-disabled { color: $text-muted; }
    #right > .option-list--option-highlighted { background: #503030; }
    #sparks { height: 4; }
    .spark { width: 1fr; padding: 0 1; }
    Sparkline { height: 2; }
    #dialog { width: 80%; height: auto; border: thick $primary; padding: 1 2; background: $surface; }
    Confirm, Help { align: center middle; }
    """
    BINDINGS = [
        Binding("1", "view('long')", "long"),
        Binding("2", "view('locks')", "locks"),
        Binding("3", "view('blocking')", "blocking"),
        Binding("space", "hold", "pause"),
        Binding("plus,+", "slower", "+", show=False),
        Binding("minus,-", "faster", "-", show=False),
        Binding("C", "cancel", "cancel"),
        Binding("K", "end", "end"),
        Binding("p", "steer('pause')", "pause fill"),
        Binding("r", "steer('resume')", "resume fill"),
        Binding("s", "steer('slower')", "slower"),
        Binding("f", "steer('faster')", "faster"),
        Binding("h", "help", "help"),
        Binding("q", "quit", "leave"),
    ]
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, look: Callable[[], Snapshot], controls: Controls, interval_s: float = 1.0) -> None:
        super().__init__()
        self._look, self._controls, self.interval_s = look, controls, interval_s
        self.view, self.held, self.snapshot = "locks", False, Snapshot("")
        self._lines: list[Line] = []
        self._history: dict[str, deque[float]] = {name: deque([0.0], KEPT) for name in _SPARKS}

    def compose(self) -> ComposeResult:
        yield Static(id="top")
        with Horizontal(id="middle"):
            with VerticalScroll(id="left", can_focus=False):
                yield Static(id="runs")
            yield OptionList(id="right")
        with Horizontal(id="sparks"):
            for number, name in enumerate(_SPARKS):
                with Vertical(classes="spark"):
                    yield Static(name, id=f"label{number}")
                    yield Sparkline([0.0], id=f"spark{number}")
        yield Footer()

    def on_mount(self) -> None:
        self._main.query_one("#right").focus()
        self._next_look(0.01)

    def _next_look(self, after_s: float) -> None:
        self.set_timer(after_s, lambda: self.run_worker(self._take_look, thread=True, exclusive=True, group="look"))

    def _take_look(self) -> None:
        snapshot = self._look() if not self.held else None
        with suppress(RuntimeError):  # the program has ended meanwhile
            self.call_from_thread(self._looked, snapshot)

    def _looked(self, snapshot: Snapshot | None) -> None:
        if not self.is_running or not self._main.is_mounted:
            return
        if snapshot is not None:
            self.snapshot = snapshot
            self._remember(snapshot)
            self.show_snapshot()
        self._next_look(self.interval_s)

    @property
    def _main(self) -> Screen[object]:
        """The screen with the lists, also while a question stands before it."""
        return self.screen_stack[0]

    def _remember(self, seen: Snapshot) -> None:
        if seen.problem is not None:
            return
        longest = max((wait.waited_s for wait in seen.queues.waits), default=0.0)
        rate = sum(fill.rows_per_s or 0.0 for fill in seen.runs.backfills)
        lag = max([r.lag_s or 0.0 for r in seen.replicas] + [s.replay_lag_s or 0.0 for s in seen.standbys], default=0.0)
        values = (float(seen.queues.waiting), longest, rate, lag)
        texts = (f"{seen.queues.waiting}", duration(longest) if longest else "0", f"{rate:,.0f}", duration(lag) if lag else "0")
        for number, (name, value, text) in enumerate(zip(_SPARKS, values, texts, strict=True)):
            self._history[name].append(value)
            self._main.query_one(f"#label{number}", Static).update(Text(f"{name}: {text}"))
            self._main.query_one(f"#spark{number}", Sparkline).data = list(self._history[name])

    def show_snapshot(self) -> None:
        """Draws the last look, in the view that is chosen."""
        seen = self.snapshot
        top = Text(headline(seen), style="bold")
        state = " · held" if self.held else f" · every {duration(self.interval_s)}"
        top.append(state, style="dim")
        if seen.problem is not None:
            top.append(f"\n{seen.problem}", style="bold red")
        for said in alarms(lock_forest(seen.queues))[:5]:
            top.append(f"\n{said}", style="yellow")
        self._main.query_one("#top", Static).update(top)
        left = [*run_lines(seen), *map(operation_line, seen.operations), *replication_lines(seen), *(f"not seen: {u}" for u in seen.unseen)]
        self._main.query_one("#runs", Static).update(Text("\n".join(left) or "no run and no backfill is under way"))
        self._fill_list()

    def _fill_list(self) -> None:
        options = self._main.query_one("#right", OptionList)
        chosen = self.chosen
        self._lines = _VIEWS[self.view](self.snapshot, max(60, options.size.width - 4))
        options.border_title = self.view
        options.clear_options()
        options.add_options([Option(_shown(line), disabled=line.backend is None) for line in self._lines])
        places = [(n, line.backend.id) for n, line in enumerate(self._lines) if line.backend is not None]
        same = [(n, id) for n, id in places if chosen is not None and id == chosen.id]
        options.highlighted = next((n for n, _ in same or places), None)

    @property
    def chosen(self) -> Backend | None:
        """The session on which the cursor stands."""
        at = self._main.query_one("#right", OptionList).highlighted
        return self._lines[at].backend if at is not None and at < len(self._lines) else None

    def action_view(self, view: str) -> None:
        self.view = view
        self._fill_list()

    def action_hold(self) -> None:
        self.held = not self.held
        self.show_snapshot()

    def action_slower(self) -> None:
        self.interval_s = min(LONGEST_S, self.interval_s * 2)
        self.show_snapshot()

    def action_faster(self) -> None:
        self.interval_s = max(SHORTEST_S, self.interval_s / 2)
        self.show_snapshot()

    def action_help(self) -> None:
        self.push_screen(Help())

    def action_cancel(self) -> None:
        backend = self.chosen
        if backend is None or backend.pid is None:
            self.notify("choose a session first", severity="warning")
            return
        self._confirmed(f"Cancel what {who(backend)} runs?\n{query(backend, 200)}", "yes", partial(self._controls.cancel, backend))

    def action_end(self) -> None:
        backend, end = self.chosen, self._controls.end
        if end is None:
            self.notify("ending sessions needs --allow-kill", severity="warning")
        elif backend is None or backend.pid is None:
            self.notify("choose a session first", severity="warning")
        else:
            self._confirmed(f"End the session of {who(backend)}?\n{query(backend, 200)}", str(backend.pid), partial(end, backend))

    def action_steer(self, order: str) -> None:
        steer = self._controls.steer
        if steer is None:
            self.notify("there is nothing to steer here", severity="warning")
            return
        self._do(partial(steer, order))

    def _confirmed(self, question: str, answer: str, do: Callable[[], str]) -> None:
        def answered(yes: bool | None) -> None:
            if yes:
                self._do(do)
            else:
                self.notify("left alone")

        self.push_screen(Confirm(question, answer), answered)

    def _do(self, do: Callable[[], str]) -> None:
        """In a thread, and said."""

        def work() -> None:
            try:
                self.call_from_thread(self.notify, do())
            except PgsluiceError as error:
                self.call_from_thread(self.notify, error.what, severity="error")

        self.run_worker(work, thread=True, group="control")


def _shown(line: Line) -> Text:
    style = "bold #ff8080" if line.head else ""
    return Text(line.text, style=style, no_wrap=True, overflow="ellipsis")
