"""What the guard did, as lines and as a story."""

from collections.abc import Mapping, Sequence
from typing import Any

from pgsluice.model.guarding import STOPPED, Deed, GuardEvent, GuardNotice
from pgsluice.model.snapshot_json import plain
from pgsluice.report.activity_sentences import who
from pgsluice.report.style import Style
from pgsluice.report.texts import counted, duration, one_line

_VERBS = {
    Deed.CANCELLED: "cancelled",
    Deed.ENDED: "session ended",
    Deed.WOULD_CANCEL: "would be cancelled",
    Deed.REPORTED: "left alone",
    Deed.REFUSED: "could not be cancelled",
    Deed.TIMED_OUT: "gave up at the lock_timeout that was handed down to it",
}


def event_line(news: GuardEvent | GuardNotice, style: Style) -> str:
    """One piece of news."""
    if isinstance(news, GuardNotice):
        return f"guard: {news.message}"
    look = "red" if news.deed in STOPPED else "yellow"
    return f"guard: {style(_VERBS[news.deed], look)}: {sentence(news)}"


def sentence(event: GuardEvent) -> str:
    """`ALTER TABLE of pid 12, deploy (app): 80 sessions waited behind it, the longest 100 ms; it waited behind pid 8757, report, idle in
    transaction 47 s`."""
    parts = [f"{event.ddl} of {who(event.backend)}"]
    if event.waiting:
        parts.append(f"{counted(event.waiting, 'session')} waited behind it, the longest {duration(event.longest_s)}")
    if event.blockers:
        shown = "; ".join(who(blocker) for blocker in event.blockers[:3])
        more = f" and {len(event.blockers) - 3} more" if len(event.blockers) > 3 else ""
        parts.append(f"it waited behind {shown}{more}")
    if event.why:
        parts.append(event.why)
    query = f" [{one_line(event.backend.query, 80)}]" if event.backend.query else ""
    return "; ".join(parts) + query


def story(events: Sequence[GuardEvent]) -> str:
    """Why the command was stopped: who held what, how many waited, for how long."""
    told = [event for event in events if event.deed in STOPPED]
    return "; then ".join(f"{_VERBS[event.deed]}: {sentence(event)}" for event in told[-3:])


def event_json(news: GuardEvent | GuardNotice) -> Mapping[str, Any]:
    """The news for hooks."""
    kind = "notice" if isinstance(news, GuardNotice) else "event"
    text = news.message if isinstance(news, GuardNotice) else sentence(news)
    return {"schema_version": 1, "kind": kind, **plain(news), "text": text}
