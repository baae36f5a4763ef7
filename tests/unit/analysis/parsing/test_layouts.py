"""How other tools keep SQL on disk: which files run, in which order, which part of them, in which transaction."""

from pathlib import Path

import pytest

from pgsluice.analysis.parsing.layouts.recognition import LAYOUTS
from pgsluice.analysis.parsing.migrations import Migration, migration_of, migrations_of, read_files, read_migrations
from pgsluice.model import settings
from pgsluice.model.errors import InputError

HEAD = "--liquibase formatted sql\n--changeset a:b"
INDEX = "CREATE INDEX CONCURRENTLY i ON t (a);\n"


def tree_of(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def names(folder: Path) -> list[str]:
    return [m.name for m in read_migrations([folder])]


def enclosed(migration: Migration) -> list[bool]:
    """Of each statement whether its tool runs it inside of a transaction."""
    return [s.enclosure is not None and not s.enclosure.spared for s in migration.statements]


def places(migration: Migration) -> list[tuple[str, int, int]]:
    return [(s.sql, s.place.line, s.place.column) for s in migration.statements]


FOLDERS: dict[str, tuple[dict[str, str], list[str]]] = {
    "plain": ({"10_c.sql": "", "2_b.sql": "", "a.down.sql": ""}, ["2_b", "10_c"]),
    "golang-migrate": (
        {"10_c.up.sql": "", "10_c.down.sql": "", "9_b.up.sql": "", "009_a.down.sql": "", "x.sql": ""},
        ["9_b", "10_c"],
    ),
    "sqlx": ({"../Cargo.toml": '[dependencies]\nsqlx = "0.8"', "10_c.up.sql": "", "10_c.down.sql": "", "9_b.sql": ""}, ["9_b", "10_c"]),
    "dbmate": ({"9_b.sql": "-- migrate:up\n-- migrate:down\n", "10_c.sql": "-- migrate:up\n-- migrate:down\n"}, ["10_c", "9_b"]),
    "goose": ({"10_c.sql": "-- +goose Up\n-- +goose Down\n", "9_b.sql": "-- +goose Up\n"}, ["9_b", "10_c"]),
    "diesel": (
        {"2024-01-02-000000_b/up.sql": "", "2024-01-02-000000_b/down.sql": "", "20231231000000_a/up.sql": "", "README.md": ""},
        ["20231231000000_a", "2024-01-02-000000_b"],
    ),
    "prisma": (
        {"20240102_b/migration.sql": "", "20240101_a/migration.sql": "", "migration_lock.toml": ""},
        ["20240101_a", "20240102_b"],
    ),
    "flyway": (
        {
            "V1_10__d.sql": "",
            "V1.9__c.sql": "",
            "old/V1__a.sql": "",
            "old/V1_0_1__b.sql": "",
            "R__views.sql": "",
            "R__a.sql": "",
            "U1_10__d.sql": "",
            "B1__base.sql": "",
            "beforeMigrate.sql": "",
        },
        ["V1__a", "V1_0_1__b", "V1.9__c", "V1_10__d", "R__a", "R__views"],
    ),
    "atlas": (
        {"atlas.sum": "h1:", "9_b.sql": "", "10_a.sql": "", "95_checkpoint.sql": "-- atlas:checkpoint\n\nSELECT 1;"},
        ["10_a", "9_b"],
    ),
    "supabase": ({"20240102_b.sql": "", "20240101_a.sql": "", "readme.sql": ""}, ["20240101_a", "20240102_b"]),
    "drizzle": (
        {
            "meta/_journal.json": '{"entries": [{"tag": "0001_z", "when": 1}, {"tag": "0000_a", "when": 2}]}',
            "0000_a.sql": "",
            "0001_z.sql": "",
            "0002_not_in_it.sql": "",
        },
        ["0001_z", "0000_a"],
    ),
    "liquibase": (
        {"2.sql": "--liquibase formatted sql\n--changeset me:b\nSELECT 1;\n--changeset me:a\nSELECT 2;", "1.sql": "SELECT 3;"},
        ["2::b::me", "2::a::me"],
    ),
}


@pytest.mark.parametrize("layout", FOLDERS)
def test_a_folder_is_recognised_and_read_in_its_tools_order(layout: str, tmp_path: Path):
    files, expected = FOLDERS[layout]
    folder = tree_of(tmp_path / ("supabase/migrations" if layout == "supabase" else "app/migrations"), files)
    found = read_migrations([folder])
    assert [m.name for m in found] == expected
    assert {m.layout for m in found} == {layout}


def test_every_layout_is_an_option_and_has_a_test():
    assert set(settings.LAYOUTS) == {layout.name for layout in LAYOUTS} == set(FOLDERS)


@pytest.mark.parametrize("layout", [name for name in FOLDERS if name not in ("plain", "drizzle", "liquibase")])
def test_a_file_alone_is_recognised_too(layout: str, tmp_path: Path):
    files, expected = FOLDERS[layout]
    folder = tree_of(tmp_path / ("supabase/migrations" if layout == "supabase" else "app/migrations"), files)
    paths = [m.path for m in read_migrations([folder])]
    alone = [m for path in paths for m in read_files([path])]
    assert [(m.name, m.layout) for m in alone] == [(name, layout) for name in expected]


UP_SIDE = {
    "goose": ("-- +goose Up\nSELECT 1;\n-- +goose Down\nDROP TABLE t;\n", [("SELECT 1", 2, 1)]),
    "goose, down first": ("-- +goose Down\nDROP TABLE t;\n-- +goose Up\n  SELECT 1;\n", [("SELECT 1", 4, 3)]),
    "goose, a body": (
        "-- +goose Up\n-- +goose StatementBegin\nDO $$ BEGIN\n NULL; END $$;\n-- +goose StatementEnd\nSELECT 1;\n-- +goose Down\nX;",
        [("DO $$ BEGIN\n NULL; END $$", 3, 1), ("SELECT 1", 6, 1)],
    ),
    "dbmate": ("-- a comment\n\n--migrate:up\nSELECT 1;\n\n-- migrate:down\nDROP TABLE t;", [("SELECT 1", 4, 1)]),
    "dbmate, two pairs": (
        "-- migrate:up\nSELECT 1;\n-- migrate:down\nX;\n-- migrate:up transaction:false\nSELECT 2;\n-- migrate:down\nY;",
        [("SELECT 1", 2, 1), ("SELECT 2", 6, 1)],
    ),
    "windows": ("-- +goose Up\r\nSELECT 1;\r\n-- +goose Down\r\nDROP TABLE t;\r\n", [("SELECT 1", 2, 1)]),
    "drizzle": (
        "CREATE TABLE a (i int)\n--> statement-breakpoint\nCREATE TABLE b (i int);--> statement-breakpoint\n SELECT 1",
        [("CREATE TABLE a (i int)", 1, 1), ("CREATE TABLE b (i int)", 3, 1), ("SELECT 1", 4, 2)],
    ),
    "atlas, blank lines": (
        "-- atlas:delimiter \\n\\n\\n\n\nSELECT 'a\n\n\nb'\n\n\n  SELECT 2\n\n\nSELECT 3;\n",
        [("SELECT 'a\n\n\nb'", 3, 1), ("SELECT 2", 9, 3), ("SELECT 3", 12, 1)],
    ),
    "atlas, a word": ("-- atlas:delimiter -- end\n\nSELECT 1 -- end\nSELECT 2\n-- end\n", [("SELECT 1", 3, 1), ("SELECT 2", 4, 1)]),
    "byte order mark": ("\ufeff-- +goose Down\nX;\n-- +goose Up\nSELECT 1;", [("SELECT 1", 4, 1)]),
}


@pytest.mark.parametrize(("text", "expected"), UP_SIDE.values(), ids=UP_SIDE)
def test_only_the_up_side_runs_and_places_stay_true(text: str, expected: list[tuple[str, int, int]]):
    assert places(migration_of("1_a.sql", "1_a.sql", text)) == expected


LIQUIBASE = """--liquibase formatted sql
SELECT 'above';
--changeset "some one":"1 a" runInTransaction:false
CREATE INDEX CONCURRENTLY i ON t (a);
SELECT 1;
--rollback DROP INDEX i;
--changeset me:2 endDelimiter:/ splitStatements:true
CREATE TABLE a (b int DEFAULT 4 / 2)
/
  CREATE TABLE c (d int)
/
/* liquibase rollback
DROP TABLE a; */
--changeset me:3 dbms:mysql
SELECT mysql;
--changeset me:4 dbms:postgresql,h2 runOnChange:true
--ignoreLines:1
SELECT ignored;
SELECT 4;
--ignoreLines:start
SELECT ignored;
--ignoreLines:end
SELECT 5;
--changeset me:5 dbms:!oracle
SELECT 6;
--changeset me:6 ignore:true
SELECT 7;
"""


def test_changesets_are_migrations_of_their_own():
    found = migrations_of("log.sql", "log.sql", LIQUIBASE)
    assert [(m.name, m.repeatable, m.apart) for m in found] == [
        ("log::1 a::some one", False, True),
        ("log::2::me", False, False),
        ("log::4::me", True, False),
        ("log::5::me", False, False),
    ]
    assert [[(s.sql, s.place.line) for s in m.statements] for m in found] == [
        [("CREATE INDEX CONCURRENTLY i ON t (a)", 4), ("SELECT 1", 5)],
        [("CREATE TABLE a (b int DEFAULT 4 / 2)", 8), ("CREATE TABLE c (d int)", 10)],
        [("SELECT 4", 19), ("SELECT 5", 23)],
        [("SELECT 6", 25)],
    ]


def test_an_edit_is_noticed_in_its_own_changeset_alone():
    first = migrations_of("log.sql", "log.sql", LIQUIBASE)
    second = migrations_of("log.sql", "log.sql", LIQUIBASE.replace("SELECT 6", "SELECT 7"))
    assert [a.checksum == b.checksum for a, b in zip(first, second, strict=True)] == [True, True, True, False]


def test_an_edit_of_the_down_side_is_none():
    up = "-- +goose Up\nSELECT 1;\n-- +goose Down\n"
    first, second = migration_of("1.sql", "1.sql", f"{up}SELECT 2;"), migration_of("1.sql", "1.sql", f"{up}SELECT 3;\n\n")
    assert first.checksum == second.checksum
    assert first.checksum != migration_of("1.sql", "1.sql", up.replace("1", "4")).checksum


ENCLOSED: list[tuple[str, str, dict[str, str], list[bool]]] = [
    ("plain, by itself", "1.sql", {"1.sql": INDEX * 2}, [False, False]),
    ("golang-migrate, alone", "1_a.up.sql", {"1_a.up.sql": INDEX}, [False]),
    ("golang-migrate, two", "1_a.up.sql", {"1_a.up.sql": INDEX * 2}, [True, True]),
    ("sqlx", "1_a.sql", {"1_a.sql": INDEX, "Cargo.toml": "sqlx"}, [True]),
    ("sqlx, marked and alone", "1_a.sql", {"1_a.sql": "-- no-transaction\n" + INDEX, "Cargo.toml": "sqlx"}, [False]),
    ("sqlx, marked, two", "1_a.sql", {"1_a.sql": "-- no-transaction\n" + INDEX * 2}, [True, True]),
    ("sqlx, marked too low", "1_a.sql", {"1_a.sql": "\n-- no-transaction\n" + INDEX, "Cargo.toml": "sqlx"}, [True]),
    ("dbmate", "1_a.sql", {"1_a.sql": "-- migrate:up\n" + INDEX + "-- migrate:down\n"}, [True]),
    ("dbmate, off", "1_a.sql", {"1_a.sql": "-- migrate:up transaction:false\n" + INDEX + "-- migrate:down\n"}, [False]),
    ("goose", "1_a.sql", {"1_a.sql": "-- +goose Up\n" + INDEX}, [True]),
    ("goose, off", "1_a.sql", {"1_a.sql": "-- +goose NO TRANSACTION\n-- +goose Up\n" + INDEX * 2}, [False, False]),
    (
        "goose, off, but in one message",
        "1_a.sql",
        {
            "1_a.sql": "-- +goose NO TRANSACTION\n-- +goose Up\n"
            + INDEX
            + "-- +goose StatementBegin\n"
            + INDEX * 2
            + "-- +goose StatementEnd\n"
        },
        [False, True, True],
    ),
    ("diesel", "1_a/up.sql", {"1_a/up.sql": INDEX}, [True]),
    ("diesel, off", "1_a/up.sql", {"1_a/up.sql": INDEX, "1_a/metadata.toml": "run_in_transaction = false"}, [False]),
    ("diesel, off, two", "1_a/up.sql", {"1_a/up.sql": INDEX * 2, "1_a/metadata.toml": "run_in_transaction = false"}, [True, True]),
    ("flyway finds out by itself", "V1__a.sql", {"V1__a.sql": INDEX * 2}, [False, False]),
    ("flyway, mixed", "V1__a.sql", {"V1__a.sql": INDEX + "SELECT 1;"}, [True, True]),
    ("flyway does not know it", "V1__a.sql", {"V1__a.sql": "REINDEX INDEX CONCURRENTLY i;"}, [True]),
    (
        "flyway, off",
        "V1__a.sql",
        {"V1__a.sql": "REINDEX INDEX CONCURRENTLY i; SELECT 1", "V1__a.sql.conf": "executeInTransaction=false"},
        [False, False],
    ),
    ("atlas", "1_a.sql", {"1_a.sql": INDEX, "atlas.sum": ""}, [True]),
    ("atlas, off", "1_a.sql", {"1_a.sql": "-- atlas:txmode none\n\n" + INDEX * 2, "atlas.sum": ""}, [False, False]),
    ("atlas, not on top", "1_a.sql", {"1_a.sql": "-- atlas:txmode none\n" + INDEX, "atlas.sum": ""}, [True]),
    ("prisma, alone", "1_a/migration.sql", {"1_a/migration.sql": "-- CreateIndex\n" + INDEX}, [False]),
    ("prisma, two", "1_a/migration.sql", {"1_a/migration.sql": INDEX * 2}, [True, True]),
    ("supabase, the first", "supabase/migrations/1_a.sql", {"supabase/migrations/1_a.sql": INDEX * 2}, [False, True]),
    ("drizzle", "1_a.sql", {"1_a.sql": INDEX, "meta/_journal.json": '{"entries": []}'}, [True]),
    ("liquibase", "1.sql", {"1.sql": f"{HEAD}\n{INDEX}"}, [True]),
    (
        "liquibase, off",
        "1.sql",
        {"1.sql": "--liquibase formatted sql\n--changeset a:b runInTransaction:false\n" + INDEX * 2},
        [False, False],
    ),
    (
        "liquibase, off, not split",
        "1.sql",
        {"1.sql": f"{HEAD} runInTransaction:false splitStatements:false\n{INDEX * 2}"},
        [True, True],
    ),
]


@pytest.mark.parametrize(("path", "files", "expected"), [case[1:] for case in ENCLOSED], ids=[case[0] for case in ENCLOSED])
def test_what_runs_inside_of_a_transaction(path: str, files: dict[str, str], expected: list[bool], tmp_path: Path):
    (found,) = read_files([tree_of(tmp_path, files) / path])
    assert enclosed(found) == expected


def test_folders_of_folders_have_layouts_of_their_own(tmp_path: Path):
    tree_of(
        tmp_path, {"b/2.sql": "", "a/10_x.up.sql": "", "a/10_x.down.sql": "", "a/9_x.up.sql": "", "node_modules/x/1.sql": "", "c/x.md": ""}
    )
    assert [(m.name, m.layout) for m in read_migrations([tmp_path])] == [
        ("a/9_x", "golang-migrate"),
        ("a/10_x", "golang-migrate"),
        ("b/2", "plain"),
    ]


def test_what_does_not_run_and_might_be_meant_is_said(tmp_path: Path):
    tree_of(tmp_path, {"1_a.up.sql": "", "1_a.down.sql": "", "2_b.sql": "", "old/3.sql": ""})
    said: list[str] = []
    assert names(tmp_path) == [m.name for m in read_migrations([tmp_path], leave_out=said.append)] == ["1_a"]
    assert len(said) == 2 and "2_b.sql" in said[0] and "3.sql" in said[1]


@pytest.mark.parametrize(("file", "layout"), [("up.sql", "diesel"), ("migration.sql", "prisma")])
def test_the_folder_of_one_migration(file: str, layout: str, tmp_path: Path):
    tree_of(tmp_path, {f"1_a/{file}": INDEX, "1_a/down.sql": "DROP TABLE t;"})
    assert [(m.name, m.layout) for m in read_migrations([tmp_path / "1_a"])] == [("1_a", layout)]


def test_a_layout_can_be_forced(tmp_path: Path):
    tree_of(tmp_path, {"1_a.up.sql": INDEX, "1_a.down.sql": ""})
    (found,) = read_migrations([tmp_path], "sqlx")
    assert (found.layout, enclosed(found)) == ("sqlx", [True])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError):
        read_migrations([tmp_path / "empty"], "goose")


def test_marks_that_only_look_like_marks(tmp_path: Path):
    text = "SELECT '-- migrate:up';\n--> not a breakpoint\n-- see +goose Up there\n/* --changeset a:b */\nSELECT 2;"
    found = migration_of("1.sql", "1.sql", text)
    assert (found.layout, len(found.statements)) == ("plain", 2)


def test_hostile_files_of_layouts_are_read_in_time():
    for mark in ("-- +goose Up\n", "-- migrate:up\n", "--changeset a:b\n", "--ignoreLines:start\n", "--> statement-breakpoint\n"):
        assert migrations_of("1_a.sql", "1_a.sql", "--liquibase formatted sql\n" + mark * 20_000) is not None
        assert migrations_of("1_a.sql", "1_a.sql", mark * 20_000) is not None
    assert migrations_of("1.sql", "1.sql", "-- atlas:delimiter \\n\\n\n\n" + "$$'\"/*" * 2_000) is not None
