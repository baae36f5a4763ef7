"""A new value of an enum that is used in the transaction that adds it.

## What it does

`ALTER TYPE ... ADD VALUE` may run in a transaction, but until that has committed nobody may use the value: the statement that does
fails with "unsafe use of new value" (SQLSTATE 55P04).

## Why it is dangerous

The deploy stops in its middle, and only where the type is older than the transaction: on a test database that is built from nothing in
one go it may pass.

## The safe way

Add the value in a transaction of its own, and use it in a later one. That also is the order in which releases should learn of it.

## When the safe way does not apply

Where the same transaction makes the type, its values may be used at once from PostgreSQL 17 on.
"""

from itertools import takewhile

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.changes import enum_change
from pgsluice.analysis.parsing.statement import Action, Enclosure
from pgsluice.analysis.parsing.subjects import subject
from pgsluice.analysis.parsing.trees import walk
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity
from pgsluice.model.postgres.identifiers import literal

OWN_TYPE = 17
"""From this major on a value may be used in the transaction that makes the type, too; 14 to 16 fail (tried on servers)."""


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    change = enum_change(action)
    if change is None:
        return None
    before, inside = _transaction(action, context)
    if context.version.major >= OWN_TYPE and any(a.kind == "CREATE TYPE" and (subject(a) or ("", ""))[1] == change.type[1] for a in before):
        return None
    user = next((a for a in inside if _uses(a, change.new)), None)
    if user is None:
        return None
    line = user.statement.place.line
    return Hazard(f"line {line} uses {literal(change.new)} in the same transaction, which fails: commit first", None)


def _transaction(action: Action, context: Context) -> tuple[list[Action], list[Action]]:
    """What stands before the action and behind it in the same transaction, the file's own or that of the tool which runs it."""
    if block := context.in_block():
        return list(block), list(takewhile(lambda a: a.kind not in ("COMMIT", "ROLLBACK"), context.later))
    own = action.statement.enclosure
    if own is None:
        return [], []
    return [a for a in context.earlier if _shares(a, own)], [a for a in context.later if _shares(a, own)]


def _shares(action: Action, own: Enclosure) -> bool:
    enclosure = action.statement.enclosure
    return enclosure is not None and (enclosure.start, enclosure.why) == (own.start, own.why)


def _uses(action: Action, label: str) -> bool:
    """Whether the label stands in it as a constant; ADD VALUE itself names its neighbours freely."""
    if action.kind == "ALTER TYPE ADD VALUE":
        return False
    return any(body.get("sval", {}).get("sval") == label for kind, body in walk(action.node) if kind == "A_Const" and "sval" in body)


RULE = Rule("enum-value-used-at-once", Severity.ERROR, Category.RELEASE, _match, kinds=frozenset({"ALTER TYPE ADD VALUE"}))
