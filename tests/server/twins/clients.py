"""Clients of a release, which write all the time and check that they read what they wrote."""

import random
import threading
import time
from dataclasses import dataclass, field

import psycopg
from psycopg import IsolationLevel
from psycopg.errors import FeatureNotSupported, SerializationFailure

ROWS_EACH = 1_000_000
"""Keys of one client; nobody else writes them."""


@dataclass
class Client:
    """Writes rows (k, a, note) of `table` whose keys are its own, by the column names `a` and `note`, and reads them back. `wrong` is
    what did not come back as it was written, `failed` the first error. `other` are table and column by which the other release names
    them: what is read is read by those as well, while they are set. `null` is what it reads where it wrote NULL. `by_twin`: the
    table stays a table, so that it COPYs, too, and has SELECT * prepared, anew where the server says that the row has another shape. NULL
    that it wrote may have become `meanwhile`, while that is set; it writes none once `writes_null` is off."""

    dsn: str
    number: int
    table: str
    column: str
    isolation: IsolationLevel = IsolationLevel.READ_COMMITTED
    seed: int = 0
    search_path: str = "public"
    other: tuple[str, str] | None = None
    null: int | None = None
    by_twin: bool = False
    meanwhile: int | None = None
    writes_null: bool = True
    rows: dict[int, tuple[int | None, str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    failed: Exception | None = None
    requests: int = 0

    def work(self, until: threading.Event) -> None:
        """Until it is told to stop, or something is wrong."""
        chance = random.Random(f"{self.seed}/{self.number}")
        options = f"-c search_path={self.search_path}"
        try:
            with psycopg.connect(self.dsn, autocommit=True, prepare_threshold=None, options=options) as connection:
                connection.isolation_level = self.isolation
                while not until.is_set() and not self.wrong:
                    self._once(connection, chance)
        except Exception as error:
            self.failed = error

    def _once(self, connection: psycopg.Connection, chance: random.Random) -> None:
        acts = (self._insert, self._insert, self._update, self._update_other, self._update_all, self._upsert, self._delete)
        act = chance.choice((*acts, self._copy) if self.by_twin else acts)
        before = dict(self.rows)
        try:
            with connection.transaction():
                act(connection, chance)
        except SerializationFailure:
            self.rows = before
        self._check(connection, chance)
        self.requests += 1

    def _run(self, connection: psycopg.Connection, sql: str, *values: object) -> list[tuple]:
        cursor = connection.execute(sql.format(t=self.table, a=self.column), values)
        return cursor.fetchall() if cursor.description else []

    def _some(self, chance: random.Random) -> int | None:
        return chance.choice(list(self.rows)) if self.rows else None

    def _insert(self, connection: psycopg.Connection, chance: random.Random) -> None:
        key, number = self.number * ROWS_EACH + self.requests, chance.randint(0, 10_000)
        value = chance.choice((None, number)) if self.writes_null else number
        ((given, note),) = self._run(connection, "INSERT INTO {t} (k, {a}, note) VALUES (%s, %s, 'new') RETURNING {a}, note", key, value)
        value = self.null if value is None else value
        value = given if value is None and given == self.meanwhile else value
        if given != value:
            self.wrong.append(f"INSERT of {value} returned {given}")
        self.rows[key] = (value, note)

    def _copy(self, connection: psycopg.Connection, chance: random.Random) -> None:
        keys = [(self.number + 500) * ROWS_EACH + 2 * self.requests + n for n in (0, 1)]
        with connection.cursor().copy(f"COPY {self.table} (k, {self.column}, note) FROM STDIN") as copy:
            for key in keys:
                self.rows[key] = (chance.randint(0, 10_000), "copied")
                copy.write_row((key, *self.rows[key]))

    def _update(self, connection: psycopg.Connection, chance: random.Random) -> None:
        if (key := self._some(chance)) is not None:
            value = chance.randint(0, 10_000)
            self._run(connection, "UPDATE {t} SET {a} = %s WHERE k = %s", value, key)
            self.rows[key] = (value, self.rows[key][1])

    def _update_other(self, connection: psycopg.Connection, chance: random.Random) -> None:
        if (key := self._some(chance)) is not None:
            note = "x" * chance.randint(1, 400)
            self._run(connection, "UPDATE {t} SET note = %s WHERE k = %s", note, key)
            self.rows[key] = (self.rows[key][0], note)

    def _update_all(self, connection: psycopg.Connection, chance: random.Random) -> None:
        if (key := self._some(chance)) is not None:
            value = chance.randint(0, 10_000)
            self._run(connection, "UPDATE {t} SET k = %s, {a} = %s, note = %s WHERE k = %s", key, value, "all", key)
            self.rows[key] = (value, "all")

    def _upsert(self, connection: psycopg.Connection, chance: random.Random) -> None:
        if (key := self._some(chance)) is not None:
            value = chance.randint(0, 10_000)
            sql = "INSERT INTO {t} (k, {a}, note) VALUES (%s, %s, 'up') ON CONFLICT (k) DO UPDATE SET {a} = excluded.{a}"
            self._run(connection, sql, key, value)
            self.rows[key] = (value, self.rows[key][1])

    def _delete(self, connection: psycopg.Connection, chance: random.Random) -> None:
        if len(self.rows) > 40 and (key := self._some(chance)) is not None:
            self._run(connection, "DELETE FROM {t} WHERE k = %s", key)
            del self.rows[key]

    def _check(self, connection: psycopg.Connection, chance: random.Random) -> None:
        key = self._some(chance)
        if key is None:
            return
        if self.isolation is IsolationLevel.REPEATABLE_READ:
            with connection.transaction():
                connection.execute("SELECT count(*) FROM pg_catalog.pg_am")  # its snapshot is older than what it reads of the table
                time.sleep(chance.random() / 20)
                self._read(connection, key)
        else:
            self._read(connection, key)
        if self.by_twin:
            self._read_whole(connection, key)

    def _read(self, connection: psycopg.Connection, key: int) -> None:
        for table, column in filter(None, ((self.table, self.column), self.other)):
            found = connection.execute(f"SELECT {column}, note FROM {table} WHERE k = %s", (key,)).fetchall()
            self._compare(key, found, f"{table}.{column}")

    def _read_whole(self, connection: psycopg.Connection, key: int) -> None:
        """SELECT * by a statement that was prepared before."""
        while True:
            if not connection.execute("SELECT FROM pg_catalog.pg_prepared_statements WHERE name = 'whole'").fetchall():
                connection.execute(f"PREPARE whole AS SELECT * FROM {self.table} WHERE k = $1")
            try:
                cursor = connection.execute(f"EXECUTE whole ({key})")
                break
            except FeatureNotSupported as error:
                assert "cached plan must not change result type" in str(error)
                connection.execute("DEALLOCATE whole")
        at = [[c.name for c in cursor.description or ()].index(name) for name in (self.column, "note")]
        self._compare(key, [tuple(row[n] for n in at) for row in cursor.fetchall()], f"SELECT * FROM {self.table}")

    def _compare(self, key: int, found: list[tuple], by: str) -> None:
        value, note = self.rows[key]
        if value is None and self.meanwhile is not None and found == [(self.meanwhile, note)]:
            self.rows[key] = found[0]
        elif found != [(value, note)]:
            self.wrong.append(f"row {key} of client {self.number}: wrote {self.rows[key]}, reads {found} by {by}")


class Reader(threading.Thread):
    """A transaction that has read the table `t` and stays open for a while. As a context it is awaited at its end."""

    def __init__(self, dsn: str, seconds: float) -> None:
        super().__init__(daemon=True)
        self._dsn, self._seconds = dsn, seconds

    def run(self) -> None:
        with psycopg.connect(self._dsn) as connection:
            connection.execute("SELECT count(*) FROM t")
            time.sleep(self._seconds)

    def __enter__(self) -> None:
        self.start()

    def __exit__(self, *_: object) -> None:
        self.join()


class Load:
    """Clients at work while the block runs; at its end nothing may be wrong with any."""

    def __init__(self, *clients: Client) -> None:
        self.clients = clients
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=c.work, args=(self._stop,), daemon=True) for c in clients]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        late = time.monotonic() + 30
        while kind is None and time.monotonic() < late and any(c.requests <= 10 and not c.failed and not c.wrong for c in self.clients):
            time.sleep(0.05)
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
        if kind is None:
            wrong = [w for c in self.clients for w in (*c.wrong, *([repr(c.failed)] if c.failed else []))]
            assert not wrong, wrong
            assert all(c.requests > 10 for c in self.clients), "the clients did nothing"
