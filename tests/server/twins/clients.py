"""Clients of a release, which write all the time and check that they read what they wrote."""

import random
import threading
from dataclasses import dataclass, field

import psycopg
from psycopg import IsolationLevel
from psycopg.errors import SerializationFailure

ROWS_EACH = 1_000_000
"""Keys of one client; nobody else writes them."""


@dataclass
class Client:
    """Writes rows (k, a, note) of `table` whose keys are its own, by the column names `a` and `note`, and reads them back. `wrong` is
    what did not come back as it was written, `failed` the first error. `other` are table and column by which the other release names
    them: what is read is read by those as well, while they are set. `null` is what it reads where it wrote NULL."""

    dsn: str
    number: int
    table: str
    column: str
    isolation: IsolationLevel = IsolationLevel.READ_COMMITTED
    seed: int = 0
    search_path: str = "public"
    other: tuple[str, str] | None = None
    null: int | None = None
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
        act = chance.choice((self._insert, self._insert, self._update, self._update_other, self._update_all, self._upsert, self._delete))
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
        key, value = self.number * ROWS_EACH + self.requests, chance.choice((None, chance.randint(0, 10_000)))
        ((given, note),) = self._run(connection, "INSERT INTO {t} (k, {a}, note) VALUES (%s, %s, 'new') RETURNING {a}, note", key, value)
        value = self.null if value is None else value
        if given != value:
            self.wrong.append(f"INSERT of {value} returned {given}")
        self.rows[key] = (value, note)

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
        for table, column in filter(None, ((self.table, self.column), self.other)):
            found = connection.execute(f"SELECT {column}, note FROM {table} WHERE k = %s", (key,)).fetchall()
            if found != [self.rows[key]]:
                self.wrong.append(f"row {key} of client {self.number}: wrote {self.rows[key]}, reads {found} as {table}.{column}")


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
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
        if kind is None:
            wrong = [w for c in self.clients for w in (*c.wrong, *([repr(c.failed)] if c.failed else []))]
            assert not wrong, wrong
            assert all(c.requests > 10 for c in self.clients), "the clients did nothing"
