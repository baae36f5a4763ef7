"""Who keeps rows or the table locked, so that waiting has a name."""

from pgsluice.execution.backfill.heap import Heap, Window
from pgsluice.execution.db.session import Session
from pgsluice.execution.monitor.holders import conflicting_holders
from pgsluice.model.activity import Blocker
from pgsluice.model.errors import PatienceError
from pgsluice.model.postgres.locks import LockMode
from pgsluice.model.steps import Lock


def table_blockers(session: Session, table: str) -> tuple[Blocker, ...]:
    """Who holds a lock on the table (quoted, qualified) that keeps every write waiting: another DDL, say."""
    return conflicting_holders(session, [Lock(table, LockMode.ROW_EXCLUSIVE)], ours=[session.pid])


def row_blockers(session: Session, heap: Heap, window: Window) -> tuple[Blocker, ...]:
    """Who holds rows of the window, as far as the rows themselves tell; a row that several lock at once does not."""
    rows = session.rows(f"""
SELECT DISTINCT l.pid, a.usename::text AS "user", nullif(a.application_name, '') AS application, a.state,
       nullif(a.query, '<insufficient privilege>') AS query, p.gid,
       extract(epoch FROM pg_catalog.clock_timestamp() - coalesce(a.xact_start, p.prepared))::float8 AS age_s
FROM ONLY {heap.name} AS t
JOIN pg_catalog.pg_locks l ON l.locktype = 'transactionid' AND l.granted AND l.transactionid = t.xmax
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
LEFT JOIN pg_catalog.pg_prepared_xacts p ON p.transaction = l.transactionid
WHERE t.ctid >= {heap.ctid(window.start)} AND t.ctid < {heap.ctid(window.end)} AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
ORDER BY 1""")
    return tuple(
        Blocker(
            pid=r["pid"],
            relation=heap.name,
            mode="row locks",
            age_s=r["age_s"] or 0.0,
            age_is_lower_bound=r["age_s"] is None,
            user=r["user"],
            application=r["application"],
            state=r["state"],
            query=r["query"],
            gid=r["gid"],
        )
        for r in rows
    )


def fill_locked(what: str, blockers: tuple[Blocker, ...], waited_s: float) -> PatienceError:
    """The patience is spent; what the backfill has done so far stays done."""
    who = "; ".join(b.describe() for b in blockers) or "whoever held it has gone meanwhile"
    return PatienceError(
        "fill-locked",
        f"{what} stayed locked for {waited_s:.0f} s, so some rows are not filled yet",
        where=who,
        next="end or await that transaction and run again: the backfill goes on where it stopped",
    )
