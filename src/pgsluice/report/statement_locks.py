"""What statements lock, for people and for programs."""

import json
from collections.abc import Iterator, Sequence

from pgsluice.model.finding import StatementLocks
from pgsluice.report.locks import lock_words
from pgsluice.report.style import Style
from pgsluice.report.texts import one_line

SCHEMA_VERSION = 1
"""Grows when a program that reads the former shape would misread the new one."""


def locks_text(statements: Sequence[StatementLocks], style: Style) -> str:
    """The report without its last newline; its last line says how many statements were analysed."""
    lines = [line for statement in statements for line in _statement(statement, style)]
    analysed = sum(s.reason is None for s in statements)
    return "\n".join([*lines, f"{analysed:,} of {len(statements):,} statements analysed"])


def _statement(statement: StatementLocks, style: Style) -> Iterator[str]:
    yield f"{style(str(statement.place), 'bold')}  {one_line(statement.sql)}"
    if statement.reason is not None:
        yield f"  not analysed: {statement.reason}"
    yield from (f"  {lock_words(lock)}" for lock in statement.locks)
    if not statement.locks and statement.reason is None:
        yield "  no lock on a relation that was there before"
    if statement.scans:
        yield f"  reads all of {', '.join(statement.scans)}"
    if statement.rewrites_table:
        yield "  writes the table anew"
    if not statement.in_transaction:
        yield "  cannot run inside a transaction"


def locks_json(statements: Sequence[StatementLocks]) -> str:
    """The report as JSON text, in a shape that programs may rely on."""
    entries = [
        {
            "path": s.place.path,
            "line": s.place.line,
            "sql": s.sql,
            "locks": [{"relation": lock.relation, "mode": lock.mode} for lock in s.locks],
            "scans": list(s.scans),
            "rewrites_table": s.rewrites_table,
            "in_transaction": s.in_transaction,
            "analysed": s.reason is None,
        }
        for s in statements
    ]
    return json.dumps({"schema_version": SCHEMA_VERSION, "statements": entries}, indent=2, ensure_ascii=True)
