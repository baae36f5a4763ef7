"""A new value of an enum, which the running release may read before it knows it.

## What it does

`ALTER TYPE ... ADD VALUE` is brief and blocks nobody.

## Why it is dangerous

As soon as somebody stores the value, the release that runs gets it from its queries. Many clients map an enum to a closed list of their own
and raise an error for what is not in it. The value cannot be taken back: PostgreSQL has no way to drop one.

## The safe way

Deploy a release that reads the value before one that writes it.

## When the safe way does not apply

Where clients take any text there is nothing to do.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.changes import enum_change
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.subjects import subject
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity
from pgsluice.model.postgres.identifiers import literal


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    change = enum_change(action)
    if change is None or any(a.kind == "CREATE TYPE" and (subject(a) or ("", ""))[1] == change.type[1] for a in context.earlier):
        return None
    return Hazard(f"the running release must be able to read {literal(change.new)} before anybody writes it", None)


RULE = Rule("new-enum-value", Severity.INFO, Category.RELEASE, _match, kinds=frozenset({"ALTER TYPE ADD VALUE"}))
