"""The fingerprint changes with what a plan stands on, and with nothing else."""

from dataclasses import replace

import pytest

from pgsluice.model.catalog import Catalog, Column, Constraint, ConstraintKind, Function, Index, Sequence, Table, TableKind, Type
from pgsluice.model.fingerprint import fingerprint
from pgsluice.model.postgres.identifiers import QualifiedName
from pgsluice.model.postgres.versions import ServerVersion

NAME, OTHER, VIEW = (QualifiedName("Shop", n) for n in ("order", "line", "v"))
INDEX = Index(QualifiedName("Shop", "i"), NAME, "CREATE INDEX i ...", keys=("a",), columns=frozenset({"b", "a"}))
TABLE = Table(NAME, columns=(Column("a", "integer"), Column("b", "text")), indexes=(INDEX,))
CATALOG = Catalog(
    ServerVersion.of_major(18),
    tables={NAME: TABLE, OTHER: Table(OTHER)},
    sequences={QualifiedName("Shop", "s"): Sequence(QualifiedName("Shop", "s"))},
    types={QualifiedName("Shop", "mood"): Type(QualifiedName("Shop", "mood"), "enum", labels=("sad",))},
    functions=(Function(QualifiedName("Shop", "f"), '"Shop".f(integer)'),),
)
NAMES = ('"Shop"."order"',)
KEY = Constraint("k", OTHER, ConstraintKind.FOREIGN_KEY, "FOREIGN KEY ...", references=NAME)


def of(table: Table = TABLE, *more: Table) -> str:
    return fingerprint(replace(CATALOG, tables={t.name: t for t in (table, Table(OTHER), *more)}), NAMES)


def test_it_is_the_same_for_the_same_in_whatever_order():
    assert fingerprint(CATALOG, [*NAMES, '"Shop".line']) == fingerprint(CATALOG, ['"Shop".line', *NAMES, *NAMES])
    used = frozenset(("b", "a"))
    assert of(replace(TABLE, indexes=(replace(INDEX, columns=used),))) == of()


@pytest.mark.parametrize(
    "other",
    [
        replace(TABLE, rows=5.0, bytes=1 << 40, total_bytes=1 << 41, size_known=False, wraparound_age=9),
        replace(TABLE, comment="said", owner="else", privileges=("=r/x",)),
        replace(TABLE, columns=(Column("a", "integer", comment="said", statistics_target=5, has_missing_value=True), TABLE.columns[1])),
        replace(TABLE, indexes=(replace(INDEX, bytes=1 << 30),)),
    ],
)
def test_sizes_comments_and_statistics_do_not_count(other: Table):
    assert of(other) == of()


@pytest.mark.parametrize(
    "other",
    [
        replace(TABLE, columns=TABLE.columns[:1]),
        replace(TABLE, columns=(replace(TABLE.columns[0], not_null=True), TABLE.columns[1])),
        replace(TABLE, columns=tuple(reversed(TABLE.columns))),
        replace(TABLE, indexes=(replace(INDEX, valid=False),)),
        replace(TABLE, kind=TableKind.PARTITIONED),
        replace(TABLE, published_by=("p",)),
        replace(TABLE, texts=("CREATE RULE ...",)),
    ],
)
def test_whatever_a_step_depends_on_counts(other: Table):
    assert of(other) != of()


def test_foreign_keys_to_it_and_views_on_it_count():
    assert of(TABLE, Table(OTHER, constraints=(KEY,))) != of()
    assert of(TABLE, Table(VIEW, TableKind.VIEW, depends_on=((NAME, "a"), (NAME, "b")))) != of()
    assert of(TABLE, Table(VIEW, TableKind.VIEW, depends_on=((OTHER, "a"),))) == of()


def test_absent_differs_from_present_and_other_kinds_of_objects_count():
    assert fingerprint(Catalog(CATALOG.version), NAMES) != fingerprint(CATALOG, NAMES)
    empty = Catalog(CATALOG.version)
    for name in ('"Shop".s', '"Shop".mood', '"Shop".f(integer)', '"Shop".i'):
        assert fingerprint(CATALOG, [name]) != fingerprint(empty, [name])


def test_a_sequence_that_was_used_is_the_same():
    used = replace(CATALOG, sequences={n: replace(s, last_value=7) for n, s in CATALOG.sequences.items()})
    assert fingerprint(used, ['"Shop".s']) == fingerprint(CATALOG, ['"Shop".s'])


def test_a_database_is_empty_without_anything_of_a_users():
    assert Catalog(CATALOG.version).is_empty
    assert not CATALOG.is_empty
    assert replace(Catalog(CATALOG.version), tables={NAME: replace(TABLE, extension="postgis")}).is_empty
