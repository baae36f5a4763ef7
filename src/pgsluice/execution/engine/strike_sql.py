"""The texts of a strike: what it sends, in which order, and under which timeouts."""

from collections.abc import Sequence
from secrets import token_hex

from pgsluice.model.postgres.versions import ServerVersion

SAVEPOINT = "_pgsluice_strike"

PREPARATION_LOCK_MS, PREPARATION_MS, IDLE_MS = 1_000, 5_000, 60_000
"""Timeouts for what comes before the strike: the journal's row may wait for a takeover, and a client that is stopped between
two messages holds no strong lock, but its transaction must not stay open for ever."""


def opening(version: ServerVersion) -> str:
    """Begins the strike's transaction. The isolation and the rest hold whatever the role's defaults are."""
    settings = [
        timeouts(PREPARATION_LOCK_MS, PREPARATION_MS),
        f"SET LOCAL idle_in_transaction_session_timeout = {IDLE_MS}",
        "SET LOCAL synchronous_commit = off",
    ]
    if version.has_transaction_timeout:
        settings.append("SET LOCAL transaction_timeout = 0")
    return ";\n".join(["BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", *settings])


def gentle_locks(relations: Sequence[str], wait_ms: int) -> str:
    """Takes SHARE UPDATE EXCLUSIVE, which no read and no write waits for, waiting up to `wait_ms` for each; the timeouts of
    `opening` hold again afterwards."""
    locks = [f"LOCK TABLE ONLY {relation} IN SHARE UPDATE EXCLUSIVE MODE" for relation in relations]
    return ";\n".join([timeouts(wait_ms, 0), *locks, timeouts(PREPARATION_LOCK_MS, PREPARATION_MS)])


def timeouts(lock_ms: int, statement_ms: int) -> str:
    """Sets both for the rest of the transaction; 0 is without end."""
    return f"SET LOCAL lock_timeout = {lock_ms};\nSET LOCAL statement_timeout = {statement_ms}"


def marker() -> str:
    """A comment that tells one strike from all others in pg_stat_activity."""
    return f"/* pgsluice strike {token_hex(8)} */"


def blow(sql: str, mark: str, *, lock_ms: int, total_ms: int, last_ms: int | None) -> str:
    """Work and COMMIT as one message, so that no round trip is under the lock.

    `lock_ms` bounds the wait for each lock, `total_ms` all waits plus the work (0: not bounded), `last_ms` is for
    transaction_timeout (None: the server has none). Setting that to 0 first disarms one that already runs."""
    settings = [timeouts(lock_ms, total_ms)]
    if last_ms is not None:
        settings += ["SET LOCAL transaction_timeout = 0", f"SET LOCAL transaction_timeout = {last_ms}"]
    return mark + " " + ";\n".join([*settings, one_statement(sql), "COMMIT"])


def one_statement(sql: str) -> str:
    """`sql`, which may be several statements, as one: statement_timeout counts anew for each statement of a message.

    Deferred constraints and triggers are run before COMMIT, which statement_timeout does not cover. That comes last also
    because EXECUTE refuses a text that ends in SELECT INTO."""
    outer, inner = free_tag(sql, "do"), free_tag(sql, "sql")
    return f"DO ${outer}$BEGIN EXECUTE ${inner}${sql}\n;SET CONSTRAINTS ALL IMMEDIATE${inner}$; END${outer}$"


def free_tag(sql: str, stem: str) -> str:
    """A dollar-quote tag that does not occur in `sql`."""
    number, tag = 0, f"_pgsluice_{stem}"
    while tag in sql:
        number += 1
        tag = f"_pgsluice_{stem}{number}"
    return tag
