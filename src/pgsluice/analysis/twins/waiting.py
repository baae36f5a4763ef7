"""Between the filling and what rests on it: the rows verified, and the transactions awaited that may still see them unfilled."""

from collections.abc import Iterator, Sequence

from pgsluice.analysis.parts import Part, Settled
from pgsluice.analysis.twins.questions import hidden
from pgsluice.analysis.twins.triggers import TRIGGER_MARK
from pgsluice.model.plan import PhaseName
from pgsluice.model.postgres.identifiers import HELPER_PREFIX, QualifiedName, helper_name, literal, quote

_NOTHING = f"{HELPER_PREFIX}nothing"


def awaited(table: QualifiedName, column: str, differs: str, trigger: str, below: Sequence[QualifiedName] = ()) -> Iterator[Part]:
    """Verification, and the wait for every snapshot that is older than the last batch: a transaction with one would read NULL. An
    ordinary role can wait for exactly those by building an index concurrently on an empty table. `below` are the table's partitions."""
    wait = QualifiedName(table.schema, helper_name(table.name, column, "wait"))
    index = helper_name(wait.name.removeprefix(HELPER_PREFIX), "idx")
    yield Part(
        verified(table, differs, trigger, below),
        "no row is left without its value, and no trigger fires after ours",
        PhaseName.MIGRATE,
        settled=Settled(),
    )
    drop = f"DROP TABLE IF EXISTS {wait}"
    yield Part(f"CREATE UNLOGGED TABLE {wait} ({_NOTHING} integer)", "an empty table, to wait on", PhaseName.MIGRATE, settled=Settled(drop))
    yield Part(
        f"CREATE INDEX CONCURRENTLY {quote(index)} ON {wait} ({_NOTHING})",
        "waits until every transaction has ended that may still see rows without their new value",
        PhaseName.MIGRATE,
        settled=Settled(),
        releases_notice="on a hot standby nobody can be waited for: a transaction there that is open now and reads the column only "
        "later may see NULL",
    )
    yield Part(f"DROP TABLE {wait}", "it has done its work", PhaseName.MIGRATE, settled=Settled())


def verified(table: QualifiedName, differs: str, trigger: str, below: Sequence[QualifiedName] = ()) -> str:
    """One statement that fails where a row has not its value, or could not be seen, or where another trigger would fire after ours
    (quoted)."""
    plain = trigger[1:-1].replace('""', '"')
    each = [f"{literal(str(t))}::pg_catalog.regclass" for t in (table, *below)]
    of_it = f"= {each[0]}" if not below else f"IN ({', '.join(each)})"
    body = f"""
BEGIN
    IF {" OR ".join(map(hidden, (table, *below)))} THEN
        RAISE EXCEPTION 'row security hides rows of % from this role', {literal(str(table))};
    END IF;
    IF EXISTS (SELECT FROM {table} WHERE {differs}) THEN
        RAISE EXCEPTION 'rows of % do not have their new value yet', {literal(str(table))};
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid {of_it} AND NOT t.tgisinternal
               AND t.tgenabled <> 'D' AND t.tgtype & 3 = 3 AND t.tgname > {literal(plain)}::pg_catalog.name
               AND NOT pg_catalog.starts_with(t.tgname, {literal(TRIGGER_MARK + HELPER_PREFIX)})) THEN
        RAISE EXCEPTION 'a trigger of % fires after the one that keeps two columns in step', {literal(str(table))};
    END IF;
END
"""
    return f"DO {literal(body)}"
