from pathlib import Path

import pytest

from pgsluice.model.errors import InputError
from pgsluice.rehearsal.load.definition import Load, LoadStatement, RequestKind, Variable
from pgsluice.rehearsal.load.draws import Draws
from pgsluice.rehearsal.load.scripts import parse_script, read_load_folder


def test_a_script_becomes_statements_with_parameters():
    kind = parse_script(
        "\\set id random(1, 9)\n\\set n random(-2, 2)\nBEGIN;\nUPDATE t SET a = :n, b = :n WHERE id = :id;\nCOMMIT;\n", "pay"
    )
    assert kind.variables == (Variable("id", 1, 9), Variable("n", -2, 2))
    update = LoadStatement("UPDATE t SET a = $1, b = $1 WHERE id = $2", (1, 0))
    assert kind.statements == (LoadStatement("BEGIN"), update, LoadStatement("COMMIT"))


def test_colons_and_semicolons_in_texts_casts_and_comments_stay():
    kind = parse_script("-- a :note; here\nSELECT ':id;', \"a:id\", '1'::int -- :id;\n", "odd")
    assert kind.statements == (LoadStatement("SELECT ':id;', \"a:id\", '1'::int"),)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("\\sleep 3\nSELECT 1;", "load-command-unknown"),
        ("\\set id :scale * 3\nSELECT 1;", "load-command-unknown"),
        ("\\set id random(9, 1)\nSELECT 1;", "load-command-unknown"),
        ("SELECT :id;", "load-variable-unknown"),
        ("-- nothing\n", "load-script-empty"),
    ],
)
def test_what_it_does_not_know_is_refused(text: str, code: str):
    with pytest.raises(InputError) as caught:
        parse_script(text, "bad", path="bad.sql")
    assert caught.value.code == code


def test_a_folder_is_a_load(tmp_path: Path):
    (tmp_path / "b@2.5.sql").write_text("SELECT 2;")
    (tmp_path / "a.sql").write_text("SELECT 1;")
    assert [(k.name, k.weight) for k in read_load_folder(tmp_path)] == [("a", 1.0), ("b", 2.5)]


def test_a_folder_without_scripts_or_with_a_bad_weight_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="no request scripts"):
        read_load_folder(tmp_path)
    (tmp_path / "b@heavy.sql").write_text("SELECT 2;")
    with pytest.raises(InputError, match="'heavy' is no weight"):
        read_load_folder(tmp_path)


def kind(name: str, weight: float) -> RequestKind:
    return RequestKind(name, (LoadStatement("SELECT $1", (0,)),), (Variable("id", 5, 7),), weight)


def drawn(seed: int) -> list[tuple[int, list[bytes]]]:
    draws = Draws((kind("a", 3), kind("b", 1)), seed)
    return [draws.draw() for _ in range(4000)]


def test_the_same_seed_draws_the_same_requests():
    assert drawn(1) == drawn(1) != drawn(2)


def test_weights_and_ranges_are_met():
    requests = drawn(1)
    assert sum(1 for number, _ in requests if number == 0) == pytest.approx(3000, abs=120)
    assert {values[0] for _, values in requests} == {b"5", b"6", b"7"}


def test_a_load_without_requests_is_refused():
    with pytest.raises(InputError, match="at least one kind"):
        Load((), rate=10)
