"""A name of more than 63 bytes, which the server cuts off.

## What it does

PostgreSQL keeps the first 63 bytes of a name, and says so in a notice only.

## Why it is dangerous

Two long names that begin alike become the same one: the second statement fails, or with IF NOT EXISTS does nothing. Tools
that look for the long name do not find it.

## The safe way

Shorter names.

## When the safe way does not apply

It always does.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.tokens import tokens
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity

LONGEST = 63
"""NAMEDATALEN - 1 of src/include/pg_config_manual.h, in bytes."""


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if action.number or len(action.statement.sql) <= LONGEST:
        return None
    sql = action.statement.sql
    long = next((sql[t.start : t.end] for t in tokens(sql) if t.end - t.start > LONGEST // 4 and _is_cut(sql[t.start : t.end])), None)
    return None if long is None else Hazard(f"{long[:80]} is longer than {LONGEST} bytes: the rest is cut off", None)


def _is_cut(text: str) -> bool:
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    plain = text[0].isalpha() or text[0] == "_"
    name = text[1:-1].replace('""', '"') if quoted else text
    return (quoted or (plain and text.replace("$", "_").isidentifier())) and len(name.encode(errors="replace")) > LONGEST


RULE = Rule("cut-off-name", Severity.INFO, Category.STYLE, _match, optional=True)
