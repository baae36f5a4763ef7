"""Who of the clients uses the old shape: what sessions run or ran last, what is counted of statements, and names of applications."""

import time
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from pgsluice.execution.db.errors import DatabaseError, Trouble, message_of, trouble_of
from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.execution.db.statement_counts import statement_view
from pgsluice.model.gate import Use
from pgsluice.model.postgres.name_use import use_of
from pgsluice.model.postgres.statement_words import data_definition
from pgsluice.model.steps import OldName

_QUERIES = named_queries(__package__)

PAUSE_S = 0.25
"""Between two looks at the sessions: one costs some milliseconds for hundreds of them."""

TEXT = 100
"""How many characters of a statement are shown."""

Counts = Mapping[tuple[Any, ...], tuple[str, int]]
"""Text and calls of the statements that use the old shape, by what pg_stat_statements counts them under."""


class Clients:
    """What was seen of the clients so far, look by look."""

    def __init__(self, session: Session, names: Sequence[OldName], applications: Sequence[str]) -> None:
        """`applications` are the names of old ones, as shell patterns."""
        self._session, self._names, self._applications = session, names, applications
        self._uses: dict[tuple[int, str], Use] = {}
        self.unseen: dict[str, None] = {}
        self.remarks: list[str] = []

    @property
    def uses(self) -> tuple[Use, ...]:
        return tuple(self._uses.values())

    def watch(self, seconds: float) -> None:
        """Looks again and again for so long, and at what was called meanwhile."""
        until = time.monotonic() + seconds
        before = self._statements()
        while True:
            self.look()
            rest = until - time.monotonic()
            if rest <= 0:
                break
            time.sleep(min(rest, PAUSE_S))
        after = self._statements()
        self._called(before, after, seconds)

    def look(self) -> None:
        """One look at the sessions."""
        hidden = 0
        for row in self._session.rows(_QUERIES["sessions"]):
            for pattern in self._applications:
                if fnmatchcase(row["application"] or "", pattern):
                    self._uses[(row["pid"], pattern)] = Use(_who(row), "is of an application that was given as old")
            hidden += row["query"] is None
            self._read(row)
        if hidden and self._names:
            self.unseen["the statements of sessions of other roles: grant pg_read_all_stats to this role to see them"] = None

    def _read(self, row: Mapping[str, Any]) -> None:
        text = row["query"] or ""
        if text and data_definition(text) is None:
            for name in self._names:
                if use := use_of(text, name):
                    self._uses.setdefault((row["pid"], text), Use(_who(row), f"{use} {name}: {_short(text)}"))
            if row["cut"]:
                self.unseen["the end of statements that are longer than track_activity_query_size"] = None

    def _statements(self) -> Counts:
        """{} where they cannot be read, which is said."""
        if not self._names:
            return {}
        try:
            return dict(self._counted())
        except DatabaseError as error:
            if trouble_of(error) is Trouble.CONNECTION_LOST:
                raise
            self.unseen[f"pg_stat_statements: {message_of(error)}"] = None
            return {}

    def _counted(self) -> Iterator[tuple[tuple[Any, ...], tuple[str, int]]]:
        view = statement_view(self._session)
        if view is None:
            self.unseen["statements that ended before we looked: pg_stat_statements is not installed in this database"] = None
            return
        sql = f"""SELECT userid, queryid, toplevel, query, calls FROM {view}
            WHERE dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"""
        for row in self._session.rows(sql):
            text = row["query"] or ""
            if text == "<insufficient privilege>":
                self.unseen["the statements of other roles in pg_stat_statements: grant pg_read_all_stats to this role"] = None
            elif data_definition(text) is None and any(use_of(text, name) for name in self._names):
                yield (row["userid"], row["queryid"], row["toplevel"]), (text, row["calls"])

    def _called(self, before: Counts, after: Counts, seconds: float) -> None:
        for number, (key, (text, calls)) in enumerate(after.items()):
            more = calls - before.get(key, ("", 0))[1]
            if more > 0:
                does = next(f"{use} {name}" for name in self._names if (use := use_of(text, name)))
                called = f"was called {more} times within {seconds:g} s (pg_stat_statements) and {does}: {_short(text)}"
                self._uses[(-1 - number, text)] = Use("a statement", called)
            else:
                self.remarks.append(f"not called while we looked, but {calls} times before (pg_stat_statements): {_short(text)}")


def _who(row: Mapping[str, Any]) -> str:
    state = f", {row['state']} for {row['state_s']:.1f} s" if row["state"] and row["state_s"] is not None else ""
    application = f", {row['application']}" if row["application"] else ""
    return f"session {row['pid']} ({row['role']}{application}{state})"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TEXT else line[: TEXT - 3] + "..."
