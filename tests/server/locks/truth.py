"""The truth about every form on one server: a database of our own, the specimens one after the other, rows of the table."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import make_conninfo

from pgsluice.analysis.locks.table import Row
from tests.server.locks.observation import NeedsNoTransaction, Observation, look, prepare, summary
from tests.server.locks.specimen import Specimen, by_scene
from tests.server.locks.watching import watch

DATABASE = "pgsluice_locks"


def rows_of(dsn: str, major: int, specimens: list[Specimen]) -> dict[str, Row]:
    """The row of each specimen's form on this server, by form. A specimen for other majors must fail here (else its
    majors are too narrow: ValueError); one for this major must not (the server's error, with the form as a note)."""
    with place(dsn) as there:
        return _rows(there, major, specimens)


@contextmanager
def place(dsn: str) -> Iterator[str]:
    """A database of our own with what specimens need beyond their scenes, dropped afterwards."""
    with psycopg.connect(dsn, autocommit=True) as session:
        _drop(session)
        session.execute(f"CREATE DATABASE {DATABASE}")
        _cluster_objects(session)
    there = make_conninfo(dsn, dbname=DATABASE)
    try:
        with psycopg.connect(there, autocommit=True) as session:
            session.execute("CREATE SCHEMA elsewhere; CREATE ACCESS METHOD heap_again TYPE TABLE HANDLER heap_tableam_handler")
        yield there
    finally:
        with psycopg.connect(dsn, autocommit=True) as session:
            _drop(session)


def _drop(session: psycopg.Connection) -> None:
    session.execute("SET client_min_messages = error")
    session.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")


def _cluster_objects(session: psycopg.Connection) -> None:
    """What specimens need beyond their scene, once for each server."""
    if not session.execute("SELECT 1 FROM pg_roles WHERE rolname = 'locks_owner'").fetchone():
        session.execute("CREATE ROLE locks_owner")


def _rows(dsn: str, major: int, specimens: list[Specimen]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    with psycopg.connect(dsn, autocommit=True) as session:
        standing: tuple[str, str] | None = None
        for specimen in by_scene(specimens):
            row = _row(session, dsn, major, specimen, fresh=specimen.stage == standing)
            standing = specimen.stage if row and row.in_transaction else None
            found |= {specimen.form: row} if row else {}
    return found


def _row(session: psycopg.Connection, dsn: str, major: int, specimen: Specimen, fresh: bool) -> Row | None:
    try:
        if not fresh:
            prepare(session, specimen)
        seen = _observed(session, dsn, specimen)
    except psycopg.Error as error:
        if major not in specimen.majors:
            return None
        error.add_note(f"{specimen.place}: {specimen.form} on {major}")
        raise
    if major not in specimen.majors:
        raise ValueError(f"{specimen.place}: {specimen.form} works on {major} too")
    scans, rewrites, builds = (tuple(sorted(roles)) for roles in (seen.scans, seen.rewrites, seen.builds))
    return Row(specimen.form, major, major, seen.locks, scans, rewrites, builds, seen.in_transaction, specimen.note)


def _observed(session: psycopg.Connection, dsn: str, specimen: Specimen) -> Observation:
    try:
        return summary(specimen, look(session, specimen.sql, specimen.session))
    except NeedsNoTransaction:
        return summary(specimen, watch(dsn, specimen))
