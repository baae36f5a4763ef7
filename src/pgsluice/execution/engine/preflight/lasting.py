"""Locks that no patience outlasts: of a prepared transaction that somebody has left behind, of a vacuum against wraparound. Met in the
middle of a migration they would stop it there, so they are looked for before it begins."""

from collections.abc import Iterable, Sequence

from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.execution.monitor.holders import conflicting_holders
from pgsluice.model.activity import Blocker
from pgsluice.model.errors import PatienceError
from pgsluice.model.steps import Step, StepKind

_QUERIES = named_queries(__package__)

LEFT_BEHIND_S = 60.0
"""A prepared transaction that is older was not between its two commits just now; a coordinator needs milliseconds."""

_AWAITS_SNAPSHOTS = frozenset({StepKind.BUILD_INDEX, StepKind.DROP_INDEX, StepKind.REINDEX})
"""These wait for every older transaction of the database that may still see the table."""


def check_lasting(session: Session, migration: str, steps: Sequence[Step]) -> None:
    """Raises PatienceError `blocked-for-long`, naming who holds what, before anything is changed."""
    locks = [lock for step in steps for lock in step.locks]
    lasting = [b for b in conflicting_holders(session, locks) if b.wraparound or (b.gid and b.age_s > LEFT_BEHIND_S)]
    texts = [b.describe() for b in lasting]
    if any(step.kind in _AWAITS_SNAPSHOTS for step in steps):
        texts += _old_snapshots(session, known={b.gid for b in lasting})
    if texts:
        raise PatienceError(
            "blocked-for-long",
            f"{migration} would not get past this, however long it waits: {'; '.join(texts)}",
            next=_what_next(lasting, texts),
        )


def _old_snapshots(session: Session, known: Iterable[str | None]) -> list[str]:
    """Prepared transactions anywhere in the database: a concurrent build waits for each of them."""
    rows = session.rows(_QUERIES["left_behind"], {"older_s": LEFT_BEHIND_S})
    strange = [row for row in rows if row["gid"] not in known]
    return [f"prepared transaction {row['gid']!r}, {row['age_s']:.0f} s, for which a concurrent build waits" for row in strange]


def _what_next(lasting: Sequence[Blocker], texts: Sequence[str]) -> str:
    vacuum = any(b.wraparound for b in lasting)
    prepared = len(texts) > sum(b.wraparound for b in lasting)
    ways = ["let the vacuum end (pg_stat_progress_vacuum shows how far it is)"] * vacuum
    ways += ["COMMIT PREPARED or ROLLBACK PREPARED what is in the way"] * prepared
    return f"{'; '.join(ways)}; then run again: nothing was changed"
