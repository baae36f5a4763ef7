"""A schema that takes for granted what the server lacks."""

import shutil
from pathlib import Path

import pytest

from pgsluice.analysis.parsing.migrations import migration_of
from pgsluice.execution.db.connect import connect
from pgsluice.model.errors import ConnectionFailedError
from pgsluice.rehearsal.place import PREFIX, place_of, session
from pgsluice.rehearsal.schema.layout import lay_out
from pgsluice.rehearsal.schema.live import dumped_major, live_schema
from pgsluice.rehearsal.server.installation import Installation
from tests.support.servers import TestServer
from tests.support.sql import execute, value

DUMP = r"""
\restrict abc
SET search_path = '';
CREATE EXTENSION IF NOT EXISTS no_such_extension WITH SCHEMA public;
CREATE TABLE public.t (id integer, note text);
ALTER TABLE public.t OWNER TO "no such role 1";
GRANT SELECT ON public.t TO "no such role 1", "no such role 2";
COPY public.t (id, note) FROM stdin;
1	a
\.
CREATE TABLE public.broken (id no_such_type);
CREATE INDEX t_note ON public.t (note);
\unrestrict abc
"""


def laid_out(dsn: str, text: str) -> tuple[str, ...]:
    session = connect(dsn, "test", environment={})
    try:
        return lay_out(session, [migration_of("dump.sql", "dump.sql", text)])
    finally:
        session.close()


def test_roles_are_made_rows_left_out_and_what_fails_is_said(database: str):
    try:
        notes = laid_out(database, DUMP)
        assert [note.split(":")[0] for note in notes] == ["extension no_such_extension is not there", "dump.sql"]
        assert "no_such_type" in notes[1]
        assert value(database, "SELECT count(*) FROM public.t") == 0
        assert value(database, "SELECT count(*) FROM pg_indexes WHERE indexname = 't_note'") == 1
    finally:
        execute(database, 'DROP OWNED BY "no such role 1", "no such role 2"', 'DROP ROLE "no such role 1", "no such role 2"')


def test_a_file_that_needs_its_transaction_has_it(database: str):
    assert laid_out(database, "CREATE TABLE t (id int); LOCK TABLE t; CREATE TEMP TABLE u ON COMMIT DROP AS SELECT 1; DROP TABLE u") == ()
    assert laid_out(database, "CREATE TABLE v (id int); CREATE INDEX CONCURRENTLY v_id ON v (id)") == ()
    assert value(database, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 2


def test_an_extension_that_is_not_there_is_stubbed(database: str):
    execute(database, "CREATE SCHEMA extensions")
    available = value(database, "SELECT count(*) FROM pg_available_extensions WHERE name = 'postgis'")
    notes = laid_out(
        database,
        """CREATE EXTENSION postgis WITH SCHEMA extensions;
        CREATE TABLE place (
            at extensions.geometry(Point,4326), path extensions.GEOMETRY(LineString)[], b numeric(8,2), c extensions.geography(point));""",
    )
    assert available or notes == ("extension postgis is not there; plain types and functions stand in for it",)
    assert value(database, "SELECT count(*) FROM pg_attribute WHERE attrelid = 'place'::regclass AND attnum > 0") == 4


def test_a_live_database_gives_its_schema_and_never_its_rows(server: TestServer, database: str, other_database: str):
    execute(database, "CREATE TABLE t (secret text); INSERT INTO t VALUES ('hush'); ANALYZE t")
    schema = live_schema(database, Installation.embedded())
    assert "CREATE TABLE public.t" in schema.text and "hush" not in schema.text
    assert dumped_major(schema.text) == server.major and dumped_major("CREATE TABLE t ()") is None
    assert laid_out(other_database, schema.text) == ()
    assert value(other_database, "SELECT count(*) FROM t") == 0


def test_names_are_found_as_in_production(server: TestServer):
    with place_of(server.dsn, None) as place:
        place.search_path = ("Odd schema", "public")
        execute(place.make("template"), 'CREATE SCHEMA "Odd schema"; CREATE TABLE "Odd schema".t ()')
        assert value(place.make("plan", "template"), "SELECT 't'::regclass::text") == "t"


def test_a_given_server_is_left_as_it_was(server: TestServer, tmp_path: Path):
    with place_of(server.dsn, None) as place:
        execute(place.make("template"), "CREATE TABLE t ()")
        execute(place.make("plan", "template"), "SELECT FROM t")
        assert place.make("plan", "template") == place.dsn("plan"), "an old one goes first"
    assert value(server.dsn, f"SELECT count(*) FROM pg_database WHERE datname LIKE '{PREFIX}%'") == 0


@pytest.mark.newest("a server is made for it")
def test_a_server_that_breaks_down_says_why():
    """Its WAL is gone, as on a disk that is full."""
    with pytest.raises(ConnectionFailedError, match="PANIC") as caught, place_of(None, None) as place, session(place.make("any")) as found:
        shutil.rmtree(Path(found.value("SHOW data_directory")) / "pg_wal")
        found.run("CREATE TABLE t AS SELECT generate_series(1, 100000)")
        found.run("SELECT pg_switch_wal(); CHECKPOINT")
    assert caught.value.code == "rehearsal-server-broke-down"
