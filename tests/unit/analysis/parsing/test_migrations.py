"""Migrations on disk: their names, their order, and what cannot be read."""

from hashlib import sha256

import pytest

from pgsluice.analysis.parsing.layouts.layout import natural_key
from pgsluice.analysis.parsing.migrations import migration_of, read_migrations
from pgsluice.model.errors import InputError


def write(folder, *names, text="SELECT 1;"):
    for name in names:
        (folder / name).write_text(text)
    return folder


def test_a_folder_in_natural_order(tmp_path):
    write(tmp_path, "10_b.sql", "2_a.sql", "001_c.sql", "notes.md", ".hidden.sql")
    assert [m.name for m in read_migrations([tmp_path])] == ["001_c", "2_a", "10_b"]


def test_up_files_lose_their_mark_and_down_files_are_left_out(tmp_path):
    write(tmp_path, "1_a.up.sql", "1_a.down.sql", "2_b.up.sql", "2_b.down.sql")
    assert [m.name for m in read_migrations([tmp_path])] == ["1_a", "2_b"]


def test_files_and_folders_in_the_order_given(tmp_path):
    folder = tmp_path / "m"
    folder.mkdir()
    write(folder, "1.sql", "2.sql")
    write(tmp_path, "z.sql", "a.sql")
    found = read_migrations([tmp_path / "z.sql", folder, str(tmp_path / "a.sql")])
    assert [m.name for m in found] == ["z", "1", "2", "a"]


def test_a_migration_knows_its_text_and_statements(tmp_path):
    text = "\ufeffSELECT 1;\r\nDROP TABLE é;\r\n"
    (tmp_path / "1.sql").write_bytes(text.encode())
    (found,) = read_migrations([tmp_path])
    assert found.text == text
    assert found.checksum == sha256(text.encode()).hexdigest()
    assert [(s.kind, s.place.path, s.place.line) for s in found.statements] == [
        ("SelectStmt", found.path, 1),
        ("DropStmt", found.path, 2),
    ]


@pytest.mark.parametrize(
    ("first_line", "apart"),
    [
        ("-- no-transaction", True),
        ("--no-transaction", True),
        ("-- +goose NO TRANSACTION\n-- +goose Up", True),
        ("-- +migrate Up notransaction", True),
        ("-- atlas:txmode none\n", True),
        ("-- migrate:up transaction:false", True),
        ("-- disable-transaction", True),
        ("-- there is no transaction here", False),
        ("-- migrate:up", False),
        ("-- +goose Up", False),
        ("SELECT '-- no-transaction'", False),
    ],
)
def test_marks_of_no_transaction(first_line, apart):
    assert migration_of("1_a.sql", "1_a.sql", f"{first_line}\nSELECT 1;").apart is apart


def test_two_of_one_name_are_refused(tmp_path):
    folder = tmp_path / "m"
    folder.mkdir()
    write(folder, "1_a.up.sql")
    write(tmp_path, "1_a.sql")
    with pytest.raises(InputError) as error:
        read_migrations([tmp_path / "1_a.sql", folder])
    assert error.value.code == "duplicate-migration" and str(tmp_path) in error.value.what


def test_what_cannot_be_read_is_one_clear_error(tmp_path):
    (tmp_path / "latin.sql").write_bytes("SELECT 'é'".encode("latin-1"))
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "folder.sql").mkdir()
    for path, code in (
        (tmp_path / "missing.sql", "file-missing"),
        (tmp_path / "latin.sql", "file-encoding"),
        (empty, "no-migrations"),
        (tmp_path / "folder.sql", "no-migrations"),
        (tmp_path / ("x" * 300), "file-unreadable"),
        (tmp_path / "nul\0.sql", "file-unreadable"),
    ):
        with pytest.raises(InputError) as error:
            read_migrations([path])
        assert (error.value.code, error.value.next is not None) == (code, True)


def test_natural_order():
    names = ["V1.10__a", "V1.9__b", "a", "10", "9", "v1", "001"]
    assert sorted(names, key=natural_key) == ["001", "9", "10", "V1.9__b", "V1.10__a", "a", "v1"]
