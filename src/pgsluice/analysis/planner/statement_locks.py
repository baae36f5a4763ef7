"""From files to what each statement locks, run as it is written."""

from collections.abc import Iterable, Iterator

from pgsluice.analysis.effects.catalog import after
from pgsluice.analysis.effects.tables import without_temporary
from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.locks.prediction import impact
from pgsluice.analysis.parsing.actions import actions
from pgsluice.analysis.parsing.migrations import Migration
from pgsluice.analysis.parsing.statement import Statement
from pgsluice.analysis.planner import unread
from pgsluice.analysis.planner.assembly import existing
from pgsluice.analysis.planner.checking import released
from pgsluice.analysis.planner.wholes import union
from pgsluice.model.catalog import Catalog
from pgsluice.model.finding import StatementLocks


def statement_locks(migrations: Iterable[Migration], catalog: Catalog) -> Iterator[StatementLocks]:
    """What each statement of the files does, in their order, on the catalog that the ones before it leave behind. Relations that
    a statement itself makes are left out. Without a database what an earlier file made is in use by the next one, as for `check`."""
    for migration in migrations:
        for statement in migration.statements:
            if statement.problem is not None:
                yield StatementLocks(statement.place, statement.sql, reason=unread.problem(statement).reason)
                continue
            try:
                locks, catalog = _read(statement, catalog)
            except Exception as error:  # a mistake of ours in one statement must not hide the others
                locks = StatementLocks(statement.place, statement.sql, reason=unread.mistake(statement, error).reason)
            yield locks
        catalog = without_temporary(catalog if catalog.known else released(catalog))


def _read(statement: Statement, catalog: Catalog) -> tuple[StatementLocks, Catalog]:
    before, impacts, opaque = catalog, list[Impact](), list[str]()
    for action in actions(statement):
        impacts.append(impact(action, catalog))
        opaque += [] if impacts[-1].analysed else [action.kind]
        catalog = after(action, catalog)
    whole = union(impacts)
    own = existing(catalog) - existing(before) if len(impacts) > 1 else frozenset()
    return (
        StatementLocks(
            statement.place,
            statement.sql,
            tuple(lock for lock in whole.locks if lock.relation not in own),
            tuple(str(n) for n in whole.scans if str(n) not in own),
            any(str(n) not in own for n in whole.rewrites),
            whole.in_transaction,
            "; ".join(entry.reason for entry in unread.not_understood(statement, opaque[0])) if opaque else None,
        ),
        catalog,
    )
