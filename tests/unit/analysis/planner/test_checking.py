"""Findings of files without a server: places, composition, suppression, what is not analysed."""

import pytest

from pgsluice.analysis.locks.prediction import impact
from pgsluice.analysis.parsing.migrations import migration_of
from pgsluice.analysis.planner.checking import check
from pgsluice.analysis.planner.planning import PlanOptions, plan_migration
from pgsluice.analysis.planner.statement_locks import statement_locks
from pgsluice.model.catalog import Catalog
from pgsluice.model.errors import InputError
from pgsluice.model.finding import Findings
from pgsluice.model.postgres.versions import ServerVersion

NOTHING_KNOWN = Catalog(ServerVersion.of_major(18), known=False)


def checked(*files: str, options: PlanOptions | None = None, catalog: Catalog = NOTHING_KNOWN) -> Findings:
    migrations = [migration_of(f"{n}.sql", f"{n}.sql", text) for n, text in enumerate(files, 1)]
    return check(migrations, catalog, options or PlanOptions())


def met(findings: Findings) -> list[tuple[str, int, str]]:
    return [(f.place.path, f.place.line, f.rule) for f in findings.found]


def test_a_finding_has_its_place_and_the_composed_safe_way():
    (finding,) = checked("-- a comment\nSELECT 1;\n  ALTER TABLE t ALTER a SET NOT NULL;").found
    assert (finding.rule, finding.place.line, finding.place.column) == ("set-not-null-scan", 3, 3)
    assert finding.statement == "ALTER TABLE t ALTER a SET NOT NULL"
    assert finding.scans == ("public.t",)
    assert finding.rewrite == (
        "ALTER TABLE t ADD CONSTRAINT t_a_not_null NOT NULL a NOT VALID",
        "ALTER TABLE t VALIDATE CONSTRAINT t_a_not_null",
    )


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE t ALTER a SET NOT NULL",
        "CREATE INDEX i ON t (a)",
        "ALTER TABLE t ADD COLUMN b int REFERENCES u (id), ADD CONSTRAINT c CHECK (a > 0)",
        "ALTER TABLE t ADD CONSTRAINT k UNIQUE (a)",
        "DROP INDEX i",
    ],
)
def test_the_safe_way_is_the_one_of_the_plan(change: str):
    found = checked(change).found
    plan, _ = plan_migration(migration_of("1.sql", "1.sql", change), NOTHING_KNOWN, PlanOptions())
    steps = [sql for _, step in plan.steps() for sql in step.sql.split(";\n")]
    assert [sql for sql in found[0].rewrite if sql not in ("BEGIN", "COMMIT")] == steps


def test_without_a_database_tables_are_old_and_large_unless_the_file_makes_them():
    assert met(checked("CREATE TABLE t (a int); CREATE INDEX i ON t (a);")) == []
    assert met(checked("CREATE TABLE t (a int);", "CREATE INDEX i ON t (a);")) == [("2.sql", 1, "blocking-index-build")]
    assert met(checked("CREATE TABLE a.t (a int); CREATE INDEX i ON b.t (a);")) == [("1.sql", 1, "blocking-index-build")]


def test_earlier_files_are_known():
    found = checked("CREATE TABLE t (a int NOT NULL);", "ALTER TABLE t ALTER a SET NOT NULL;").found
    assert [f.rewrite for f in found] == [()]


def test_what_is_rolled_back_was_not_made():
    assert met(checked("BEGIN; CREATE TABLE t (a int); ROLLBACK;\nCREATE INDEX i ON t (a);"))[-1] == ("1.sql", 2, "blocking-index-build")


def test_what_cannot_be_read_costs_only_its_own_statement():
    findings = checked("SELEC 1;\nSELECT {{ x }};\nCREATE INDEX i ON t (a);\nDO $$BEGIN\n EXECUTE 'x';\nEND$$;")
    assert met(findings) == [
        ("1.sql", 1, "not-analysed"),
        ("1.sql", 2, "not-analysed"),
        ("1.sql", 3, "blocking-index-build"),
        ("1.sql", 4, "not-analysed"),
    ]
    assert [(e.place.line, e.reason.split(":")[0]) for e in findings.not_analysed] == [
        (1, 'syntax error at or near "SELEC"'),
        (2, "not SQL as it stands"),
        (5, "dynamic SQL"),
    ]
    assert (findings.analysed, findings.statements) == (1, 4)


def test_a_mistake_of_ours_hides_nothing_else(monkeypatch: pytest.MonkeyPatch):

    def broken(action, catalog):
        if action.kind == "ALTER TABLE SET NOT NULL":
            raise KeyError("oops")
        return impact(action, catalog)

    monkeypatch.setattr("pgsluice.analysis.planner.composition.impact", broken)
    findings = checked("ALTER TABLE t ALTER a SET NOT NULL;\nCREATE INDEX i ON t (a);")
    assert met(findings) == [("1.sql", 2, "blocking-index-build")]
    assert "a mistake in pgsluice (KeyError" in findings.not_analysed[0].reason


@pytest.mark.parametrize("word", ["allow", "ignore"])
def test_directives_silence_a_statement_or_a_file(word: str):
    index = "CREATE INDEX ON t (a);\n"
    assert met(checked(f"-- pgsluice: {word} blocking-index-build because it is small\n{index}{index}")) == [
        ("1.sql", 3, "blocking-index-build")
    ]
    assert met(checked(f"-- pgsluice: file: {word} blocking-index-build because it is small\n{index}{index}")) == []
    assert met(checked(f"-- pgsluice: {word} lock-table because it is small\n{index}")) == [("1.sql", 2, "blocking-index-build")]
    assert met(checked(index, options=PlanOptions(allow=("blocking-*",)))) == []


def test_a_directive_for_a_rule_that_is_not_there_is_an_error():
    with pytest.raises(InputError) as raised:
        checked("SELECT 1;\n-- pgsluice: allow blocking-index-biuld because x\nSELECT 2;")
    assert (raised.value.code, raised.value.where.line) == ("unknown-rule", 2)
    assert "blocking-index-build" in raised.value.next


def test_what_must_stay_in_one_transaction_has_no_safe_way_as_it_stands():
    (finding,) = checked("BEGIN;\nALTER TABLE t ADD b int;\nCREATE INDEX i ON t (b);\nCOMMIT;").found
    assert finding.rewrite is None and "must share a transaction" in finding.no_rewrite_reason


def test_only_the_wanted_files_are_reported():
    files = [migration_of(f"{n}.sql", f"{n}.sql", "CREATE INDEX ON t (a);") for n in (1, 2)]
    findings = check(files, NOTHING_KNOWN, PlanOptions(), lambda path: path == "2.sql")
    assert met(findings) == [("2.sql", 1, "blocking-index-build")]
    assert (findings.files, findings.statements) == (1, 1)


def test_locks_of_a_statement_as_it_is_written():
    text = "CREATE TABLE n (a int);\nALTER TABLE t ADD b int, ALTER a SET NOT NULL;\nCREATE INDEX CONCURRENTLY i ON t (a);\nselec;"
    made, altered, built, broken = statement_locks([migration_of("1.sql", "1.sql", text)], NOTHING_KNOWN)
    assert made.locks == () and made.reason is None
    assert [(lock.relation, lock.mode) for lock in altered.locks] == [("public.t", "ACCESS EXCLUSIVE")]
    assert altered.scans == ("public.t",) and altered.in_transaction
    assert [lock.mode for lock in built.locks if lock.relation == "public.t"] == ["SHARE UPDATE EXCLUSIVE"]
    assert not built.in_transaction
    assert broken.place.line == 4 and "syntax error" in broken.reason


@pytest.mark.parametrize("major", [14, 18])
@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE t ALTER a SET NOT NULL",
        "ALTER TABLE t ADD PRIMARY KEY (a, b)",
        "ALTER TABLE t ADD COLUMN c bigserial PRIMARY KEY",
        "ALTER TABLE t ADD COLUMN c uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE",
        "ALTER TABLE t ADD COLUMN c int GENERATED ALWAYS AS IDENTITY",
    ],
)
def test_the_safe_way_of_a_table_of_which_nothing_is_known_says_nothing_twice(change: str, major: int):
    catalog = Catalog(ServerVersion.of_major(major), known=False)
    found = checked(f"{change};\nALTER TABLE t DROP COLUMN z;", catalog=catalog).found
    rewrite = [sql for sql in found[0].rewrite or () if sql not in ("BEGIN", "COMMIT")]
    assert len(rewrite) >= 2 and len(set(rewrite)) == len(rewrite)
    assert found[-1].rule == "drop-column"
