"""A constraint that holds for the running release from the moment at which it is made.

## What it does

`NOT VALID` spares the rows that are there, not the writes: from that moment on every INSERT and UPDATE has to satisfy the
constraint, those of the release that knows nothing of it too.

## Why it is dangerous

Where the running release still writes what the constraint refuses its requests fail, and after a rollback of the deploy they fail again.

## The safe way

First deploy a release that writes only what the constraint takes, then add it. Constraints that other rules make safe say the same
in the plan, as what the releases notice.

## When the safe way does not apply

Where the running release never writes such rows there is nothing to do.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.constraints import ConstraintClause, added_constraint
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.catalog import ConstraintKind
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    clause = added_constraint(action)
    if clause is None or action.relation is None or not clause.not_valid or not clause.enforced:
        return None
    name = context.name(action.relation)
    return Hazard(f"from that moment on {name} takes no row that {_refused(clause)}", None) if context.stood_before(name) else None


def _refused(clause: ConstraintClause) -> str:
    if clause.kind is ConstraintKind.FOREIGN_KEY:
        return f"references no row of {clause.references[1] if clause.references else 'its parent'}"
    if clause.kind is ConstraintKind.NOT_NULL:
        return f"has NULL in {', '.join(clause.columns)}"
    return f"violates CHECK ({clause.expression_sql})" if clause.expression_sql else "violates it"


RULE = Rule("new-constraint", Severity.INFO, Category.RELEASE, _match, kinds=frozenset({"ALTER TABLE ADD CONSTRAINT"}))
