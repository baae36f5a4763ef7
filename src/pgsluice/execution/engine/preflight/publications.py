"""Logical replication carries no DDL: a change that a publication sends before its subscriber knows it stops the whole
subscription, for all tables. So the subscriber comes first."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pgsluice.execution.db.queries import named_queries
from pgsluice.execution.db.session import Session
from pgsluice.execution.journal.installation import installed_version, schema_parts
from pgsluice.model.errors import RefusedError
from pgsluice.model.postgres.identifiers import quote
from pgsluice.model.steps import Step

_QUERIES = named_queries(__package__)

_QUOTED = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_NAME = r'"(?:[^"]|"")+"|[\w$]+'
_NEW_TABLE = re.compile(rf"\A\s*CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(?:({_NAME})\s*\.\s*)?(?:{_NAME})", re.IGNORECASE)
_NEW_SHAPE = re.compile(
    r"\A\s*ALTER\s+TABLE\b.*?\b(?:RENAME(?!\s+CONSTRAINT\b)|SET\s+SCHEMA|ADD\s+(?!CONSTRAINT\b|CHECK\b|UNIQUE\b|PRIMARY\b|FOREIGN\b|EXCLUDE\b|NOT\b|GENERATED\b))",
    re.IGNORECASE | re.DOTALL,
)
"""What makes a subscriber's table lack what is sent: a new column or another name. Dropped columns and other types are
taken as they come. By words, with strings and comments out of the way: a false alarm costs one option."""
_RENAMED = re.compile(rf"\A\s*(ALTER\s+TABLE\s+\S+)\s+RENAME\s+COLUMN\s+({_NAME})\s+TO\s+({_NAME})\s*\Z", re.IGNORECASE)
_ADDED = re.compile(rf"\A\s*(ALTER\s+TABLE\s+\S+)\s+ADD\s+COLUMN\s+({_NAME})\s+(.*)\Z", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Published:
    """What publications with a subscriber send: of all tables, of tables in these schemas, and of these tables."""

    all_tables: tuple[str, ...]
    by_schema: dict[str, str]
    by_table: dict[str, str]


def check_publications(session: Session, steps: Sequence[Step], search_path: Sequence[str], *, ready: bool) -> None:
    """Refuses a journal, tables and columns that a subscriber would lack; `ready`: the user has made them there.

    Raises RefusedError `publication-all-tables` with the SQL that must run on the subscriber first."""
    slots = [row["slot"] for row in session.rows(_QUERIES["subscribers"])]
    if ready or not slots:
        return
    published = _published(session, steps)
    journal = installed_version(session) is None and (published.all_tables or published.by_schema.get("pgsluice"))
    shaped = [sql for step in steps for sql in _sent(step, published, search_path)]
    if journal or shaped:
        _refuse(published, slots, [_journal_for_subscribers()] * bool(journal) + list(_on_subscriber(shaped, session)))


def _published(session: Session, steps: Sequence[Step]) -> _Published:
    relations = sorted({lock.relation for step in steps for lock in step.locks})
    schemas = session.rows(_QUERIES["schema_publications"]) if session.version.has_schema_publications else []
    tables = session.rows(_QUERIES["published_tables"], {"relations": relations})
    return _Published(
        tuple(row["publication"] for row in session.rows(_QUERIES["all_tables_publications"])),
        {row["schema"]: row["publication"] for row in schemas},
        {row["relation"]: row["publication"] for row in tables},
    )


def _sent(step: Step, published: _Published, search_path: Sequence[str]) -> list[str]:
    """Those of its statements that make a table which is published from the start, or give a published one a new shape."""
    if made := _NEW_TABLE.match(_QUOTED.sub(" ", step.sql)):
        sent = bool(published.all_tables) or _schema(made[1], search_path) in published.by_schema
        return [step.sql] if sent else []
    if not any(lock.relation in published.by_table for lock in step.locks):
        return []
    return [sql for sql in step.sql.split(";\n") if _NEW_SHAPE.match(_QUOTED.sub(" ", sql))]


def _on_subscriber(statements: Sequence[str], session: Session) -> Iterator[str]:
    """What gives a subscriber's table all the names that will be sent at one time or another. A column that gets another one is sent
    under either: it has both there. What takes the place of a column has its type, which that one has from the start."""
    new: dict[tuple[str, str], str] = {}
    for sql in statements:
        if added := _ADDED.match(sql):
            new[added[1], added[2]] = added[3]
        renamed = _RENAMED.match(sql)
        if renamed is None:
            yield sql
        elif (type_ := new.get((renamed[1], renamed[2]))) is not None:
            yield f"{renamed[1]} ALTER COLUMN {renamed[3]} TYPE {type_}"
        else:
            relation = renamed[1].split()[-1]
            known = session.rows(_QUERIES["column_type"], {"relation": relation, "column": renamed[2]})
            yield from (f"{renamed[1]} ADD COLUMN {renamed[3]} {row['type']}" for row in known)


def _schema(written: str | None, search_path: Sequence[str]) -> str:
    """As the catalog stores it; of an unqualified name the first one that names resolve in."""
    if written is None:
        return next(iter(search_path), "public")
    return written[1:-1].replace('""', '"') if written.startswith('"') else written.lower()


def _journal_for_subscribers() -> str:
    """The journal's tables without their rows: a refreshed subscription copies these, and would meet them twice."""
    return "\n".join(re.sub(r"^INSERT\b.*?;$", "", sql, flags=re.MULTILINE | re.DOTALL) for sql in schema_parts().values())


def _refuse(published: _Published, slots: Iterable[str], statements: Iterable[str]) -> None:
    names = sorted({*published.all_tables, *published.by_schema.values(), *published.by_table.values()})
    script = "\n".join(f"{sql.strip().rstrip(';')};" for sql in statements)
    raise RefusedError(
        "publication-all-tables",
        f"publication {', '.join(quote(n) for n in names)} would send what its subscriber (slot {', '.join(slots)}) does not have,"
        " and the subscription would stop for all tables",
        next="run this on the subscriber first, then run again with --subscribers-ready, and afterwards"
        f" ALTER SUBSCRIPTION ... REFRESH PUBLICATION there:\n{script}",
    )
