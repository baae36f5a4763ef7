"""What the terminal program asks and explains: confirmations and help."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

HELP = """[b]views[/b]      1 long transactions   2 locks: who waits behind whom   3 blocking: only the heads of the queues
[b]looking[/b]    space pause and go on   + - time between two looks   up down choose a session
[b]session[/b]    C cancel its statement   K end it (only with --allow-kill, and after you typed its pid)
[b]backfill[/b]   p pause   r resume   s slower   f faster
[b]program[/b]    h this help   q leave; nothing that runs is touched by that

Locks: what hangs under a session waits for it. The queue behind a waiting DDL is a branch of its own: whoever came after
the DDL would be let go by cancelling it, or by ending what it waits for."""


class Confirm(ModalScreen[bool]):
    """Asks for `answer` to be typed; True where it was."""

    BINDINGS = [Binding("escape", "leave", "leave")]

    def __init__(self, question: str, answer: str) -> None:
        super().__init__()
        self._question, self._answer = question, answer

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static(self._question, markup=False)
            yield Static(f"Type {self._answer} and Enter to do it, Esc to leave it.", markup=False)
            yield Input()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip() == self._answer)

    def action_leave(self) -> None:
        self.dismiss(False)


class Help(ModalScreen[None]):
    """The keys."""

    BINDINGS = [Binding("escape,h,q,space,enter", "dismiss", "back")]

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static(HELP)
