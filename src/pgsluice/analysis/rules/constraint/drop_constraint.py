"""A constraint that goes, and with it what it guaranteed.

## What it does

`DROP CONSTRAINT` is brief: only the catalog changes. It takes ACCESS EXCLUSIVE; dropping a foreign key takes it on the *referenced* table
as well. With a UNIQUE, PRIMARY KEY or EXCLUDE constraint its index goes, and with a UNIQUE index that is dropped the same is lost.

## Why it is dangerous

`INSERT ... ON CONFLICT (columns)` and `ON CONFLICT ON CONSTRAINT name` of the running release fail from that moment on where they rely on
it, and queries go without the index. Whatever it kept out gets in: when the constraint is to come back, rows may stand in its way.

## The safe way

For a unique one: build its successor concurrently first, and drop it in the phase `contract`, when no release names it. A foreign key
alone, in a step of its own, so that no other lock is held meanwhile.

## When the safe way does not apply

Where the same file adds a constraint of that name again the two change places in one step, and nothing is said.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.actions import actions
from pgsluice.analysis.parsing.changes import constraint_name
from pgsluice.analysis.parsing.constraints import added_constraint
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.index.exchange import dropped, has_successor
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.catalog import Constraint, ConstraintKind
from pgsluice.model.finding import Category, Severity
from pgsluice.model.postgres.identifiers import HELPER_PREFIX, quote

_UNIQUE = (ConstraintKind.UNIQUE, ConstraintKind.PRIMARY_KEY, ConstraintKind.EXCLUSION)


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    if action.kind == "DROP INDEX":
        return _of_index(action, context)
    name = constraint_name(action)
    if name is None or action.relation is None or not context.stood_before(context.name(action.relation)):
        return None
    if name.startswith(HELPER_PREFIX) or _comes_back(action, name, context):
        return None
    table = context.table(action)
    if table is None:
        return Hazard(f"what {quote(name)} kept out gets in; upserts that rely on it, if it is a unique one, fail", None, Severity.INFO)
    found = table.constraint(name)
    return None if found is None else _of_constraint(found)


def _of_constraint(found: Constraint) -> Hazard:
    if found.kind in _UNIQUE:
        columns = ", ".join(map(quote, found.columns))
        return Hazard(f"ON CONFLICT of the running release that relies on ({columns}) or names {quote(found.name)} fails", None)
    other = f"; {found.references} is locked as well" if found.references not in (None, found.table) else ""
    return Hazard(f"what {quote(found.name)} kept out of {found.table} gets in{other}", None, Severity.INFO)


def _of_index(action: Action, context: Context) -> Hazard | None:
    index = dropped(action, context)
    if index is None or not index.unique or not context.stood_before(index.table) or has_successor(index, context):
        return None
    keys = ", ".join(quote(k) for k in index.keys if k is not None) or "its expressions"
    return Hazard(f"ON CONFLICT of the running release that relies on ({keys}) fails, and duplicates get into {index.table}", None)


def _comes_back(action: Action, name: str, context: Context) -> bool:
    """Whether this statement or a later one of the file adds a constraint of that name to the table."""
    same = (a for a in context.later if a.relation is not None and action.relation is not None and a.relation[1] == action.relation[1])
    return any((clause := added_constraint(a)) is not None and clause.name == name for a in (*actions(action.statement), *same))


RULE = Rule(
    "drop-constraint",
    Severity.WARNING,
    Category.RELEASE,
    _match,
    kinds=frozenset({"ALTER TABLE DROP CONSTRAINT", "DROP INDEX"}),
)
