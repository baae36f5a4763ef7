"""Writing into another tool's table what we have done, as that tool would have."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.execution.foreign.reading import find_tables, read_history
from pgsluice.model.errors import ConnectionFailedError, RefusedError
from pgsluice.model.foreign_history import ForeignRecord

_QUERIES = named_queries(__package__)

_COLUMNS = {"goose": "version_id", "prisma": "migration_name"}
"""What holds the version, where it is not called so."""


@dataclass(frozen=True, slots=True)
class ForeignBook:
    """`records` say how the tool would record each migration, by our name of it; `version` what its table calls one of which only
    our name is known. `table` is quoted and qualified."""

    tool: str
    table: str
    records: Mapping[str, ForeignRecord]
    version: Callable[[str], str]

    def done(self, session: Session, name: str) -> None:
        """Records a migration, if it is not there; inside of a transaction of the caller's. Without any records (contract, and what
        else is called without files) it was recorded when it came to the gate."""
        if self.records:
            self._run(session, self.tool.replace("-", "_"), asdict(self.records[name]))

    def expect(self, name: str) -> None:
        """Raises RefusedError `not-recordable` for a migration of which the files are not at hand."""
        if self.records and name not in self.records:
            raise RefusedError(
                "not-recordable",
                f"migration {name} is none of those given, so how {self.tool} would record it is not known",
                next="name the folder that holds it, too",
            )

    def undone(self, session: Session, name: str, left: Sequence[str]) -> None:
        """Takes the record of a migration back; `left` are our names of those that stay done."""
        session.run(_QUERIES["bound"])
        last = max((int(v) for n in left if (v := self.version(n)).isdecimal()), default=None)
        if self.tool == "golang-migrate" and last is not None:
            self._run(session, "golang_migrate_back", {"version": str(last)})
        else:
            self._run(session, "back", {"version": self.version(name)})

    def _run(self, session: Session, query: str, facts: Mapping[str, object]) -> None:
        session.run(_QUERIES["bound"])
        sql = _QUERIES[query].format(table=self.table.replace("%", "%%"), column=_COLUMNS.get(self.tool, "version"))
        session.connection.execute(sql, {k: v for k, v in facts.items() if f"%({k})s" in sql})


def open_book(session: Session, tool: str, records: Mapping[str, ForeignRecord], version: Callable[[str], str]) -> ForeignBook:
    """The book of a tool that has its table here. Changes nothing.

    Raises RefusedError `no-foreign-history` and `foreign-history-failed`, ConnectionFailedError `foreign-history-read-only`."""
    history = read_history(session, tool, None)
    history.refuse_problems()
    table = str(find_tables(session)[tool])
    if not session.value(_QUERIES["may_write"], {"table": table}):
        raise ConnectionFailedError(
            "foreign-history-read-only",
            f"this role may not write {table}, the table of {tool}",
            next="grant it INSERT, UPDATE and DELETE there, or leave --record-as out",
        )
    return ForeignBook(tool, table, records, version)
