"""What is in a database, in a form that can be compared: two databases are the same where `dump` and `all_rows` are equal.

Column order and helper objects aside, and without our journal's schema, as the oracle asks.
"""

import re
import subprocess

import psycopg
from psycopg import sql

from pgsluice.model.postgres.identifiers import HELPER_PREFIX
from pgsluice.rehearsal.server import Installation

JOURNAL_SCHEMA = "pgsluice"

_OBJECT = re.compile(r"^--\n-- (?:Name|Data for Name): .*\n--\n", re.MULTILINE)
_NOISE = re.compile(r"^(?:--.*|\\(?:un)?restrict .*|)\n", re.MULTILINE)

_COLUMNS = """
SELECT n.nspname, c.relname, array_agg(a.attname ORDER BY a.attname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', %(journal)s) AND n.nspname !~ '^pg_'
      AND NOT starts_with(c.relname, %(helper)s) AND NOT starts_with(a.attname, %(helper)s)
GROUP BY 1, 2 ORDER BY 1, 2
"""


def dump(dsn: str) -> str:
    """The schema as pg_dump 18 writes it: objects in a fixed order, columns of a table in the order of their names."""
    program = Installation.embedded().program("pg_dump")
    arguments = ["--schema-only", f"--exclude-schema={JOURNAL_SCHEMA}", f"--dbname={dsn}"]
    ran = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return "\n".join(sorted(filter(None, map(_normal, _OBJECT.split(ran.stdout)))))


def all_rows(dsn: str) -> dict[str, list[str]]:
    """For each table its rows as text, sorted, columns in the order of their names."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        tables = connection.execute(_COLUMNS, {"journal": JOURNAL_SCHEMA, "helper": HELPER_PREFIX}).fetchall()
        return {f"{schema}.{name}": _rows(connection, schema, name, columns) for schema, name, columns in tables}


def _rows(connection: psycopg.Connection, schema: str, name: str, columns: list[str]) -> list[str]:
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    query = sql.SQL("SELECT ROW({})::text FROM ONLY {}").format(listed, sql.Identifier(schema, name))
    return sorted(row for (row,) in connection.execute(query))


def _normal(block: str) -> str:
    """One object of the dump; '' for what belongs to a helper object."""
    text = _NOISE.sub("", block)
    if text.startswith(("CREATE TABLE", "CREATE UNLOGGED TABLE")):
        return _normal_table(text)
    return "" if HELPER_PREFIX in text else text


def _normal_table(text: str) -> str:
    head, *rest = text.splitlines()
    end = next((n for n, line in enumerate(rest) if line.startswith(")")), len(rest))
    columns = sorted(line.rstrip(",") for line in rest[:end] if HELPER_PREFIX not in line)
    return "" if HELPER_PREFIX in head else "\n".join([head, *columns, *rest[end:]]) + "\n"
