"""A NOT NULL that is checked while nobody can use the table.

## What it does

`SET NOT NULL` takes ACCESS EXCLUSIVE on the table and holds it while it looks for a NULL in every row.

## Why it is dangerous

Every read and every write of the table waits for the scan. If one row holds NULL the statement fails at that
point, after all the waiting. The same goes for `ADD CONSTRAINT ... NOT NULL` (18).

## The safe way

From PostgreSQL 18 on: the NOT NULL constraint, under the name that PostgreSQL would choose, as `NOT VALID`, then
`VALIDATE CONSTRAINT`, which scans under SHARE UPDATE EXCLUSIVE while nobody waits. A NOT NULL that is there as NOT VALID
already is only validated.

Before 18: a helper `CHECK (column IS NOT NULL) NOT VALID`, validated the same way. `SET NOT NULL` then finds the check and
skips its scan, and the helper is dropped in a second statement (in the same one the scan would be back).

Where a validated check that proves it exists already, `SET NOT NULL` is brief as it is. Where the column is NOT NULL
already there is nothing to do, and not even the lock is taken. A query counts the NULLs before anything changes.

Where the release that runs still writes NULL, a directive says what shall stand for it. A trigger gives such rows that value until
`contract`, and a backfill the rows that have NULL:

    -- pgsluice: from "'unknown'"
    ALTER TABLE orders ALTER COLUMN source SET NOT NULL;

## When the safe way does not apply

It always does. Without a directive the table takes no NULL in the column from its first step on, so writers have to be ready before.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.locks.subject import is_volatile
from pgsluice.analysis.parsing.constraints import ConstraintClause, added_constraint, table_constraint
from pgsluice.analysis.parsing.own_expression import expression_of
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules import evidence
from pgsluice.analysis.rules.alteration import alter, spelled, subject
from pgsluice.analysis.rules.rule import Context, Hazard, NoRewrite, Part, Rewrite, Rule
from pgsluice.analysis.twins.never_null import never_null
from pgsluice.analysis.twins.triggers import no_filling
from pgsluice.model.catalog import ConstraintKind
from pgsluice.model.finding import Category, Severity
from pgsluice.model.names import not_null_name
from pgsluice.model.plan import PhaseName
from pgsluice.model.postgres.identifiers import helper_name, quote


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    clause = added_constraint(action)
    if clause is not None and clause.kind is ConstraintKind.NOT_NULL and not clause.not_valid:
        return _added(action, clause, impact, context)
    if action.kind != "ALTER TABLE SET NOT NULL":
        return None
    column = action.node["name"]
    if (given := _given(action, column, context)) is not None:
        return given
    if settled := _settled(action, column, context):
        return settled
    return _scan(action, column, context) if context.hurts(impact) and not _proved(action, column, context) else None


def _given(action: Action, column: str, context: Context) -> Hazard | None:
    """The hazard where a directive says what stands for the NULL that the old release writes."""
    directive = next((d for d in action.statement.directives if d.word == "from"), None)
    table = context.table(action)
    found = table.column(column) if table is not None else None
    if directive is None or table is None or found is None or found.not_null or table.made_by_run:
        return None
    value = expression_of((directive.values or {})["from"])
    message = f"a release that writes NULL to {quote(column)} of {table.name} fails from that moment on"
    reason = next(no_filling(table), None)
    if value.subquery or is_volatile(value, context.catalog) or column in value.columns:
        reason = f"{value.sql!r} must compute the value from other columns of the row, the same each time"
    if reason is not None:
        return Hazard(message, NoRewrite(reason, "fill the column by yourself, and leave the directive away"))
    return Hazard(message, Rewrite(tuple(never_null(context.catalog, table, found, value))))


def _added(action: Action, clause: ConstraintClause, impact: Impact, context: Context) -> Hazard | None:
    """The hazard of ADD CONSTRAINT ... NOT NULL."""
    column = clause.columns[0]
    table = context.table(action)
    found = table.column(column) if table is not None else None
    if found is not None and found.not_null:
        return _settled(action, column, context) if clause.name in (None, found.not_null_constraint) else None
    name = clause.name or not_null_name(context.catalog, subject(action, context), column)
    if not context.hurts(impact):
        return None
    return Hazard(_message(action, context), _validated_later(action, context, column, name, table_constraint(clause, name)))


def _helper(action: Action, column: str, context: Context) -> str:
    return helper_name(subject(action, context).name, column, "not_null")


def _proved(action: Action, column: str, context: Context) -> bool:
    """Whether our own helper stands, so that the statement is the one that uses it."""
    table = context.table(action)
    helper = table.constraint(_helper(action, column, context)) if table is not None else None
    return helper is not None and helper.validated


def _message(action: Action, context: Context) -> str:
    return f"nobody can read or write {context.described(subject(action, context))} while every row is searched for NULL"


def _settled(action: Action, column: str, context: Context) -> Hazard | None:
    """The hazard where the column is NOT NULL already, or only has to be validated."""
    table = context.table(action)
    found = table.column(column) if table is not None else None
    if table is None or found is None or not found.not_null or not context.busy(table.name):
        return None
    if not found.not_null_validated and found.not_null_constraint is not None:
        return Hazard(_message(action, context), Rewrite((_validate(action, context, found.not_null_constraint),)))
    if table.children:
        return None
    return Hazard(f"{quote(column)} of {table.name} is NOT NULL already: the statement would take its lock for nothing", Rewrite(()))


def _scan(action: Action, column: str, context: Context) -> Hazard:
    if context.version.has_not_null_constraints:
        name = not_null_name(context.catalog, subject(action, context), column)
        way = _validated_later(action, context, column, name, f"CONSTRAINT {quote(name)} NOT NULL {quote(column)}{_alone(action, context)}")
    else:
        way = _with_helper(action, context, column)
    return Hazard(_message(action, context), way)


def _alone(action: Action, context: Context) -> str:
    """ONLY on a table that others inherit from leaves them as they are: as a constraint that is NO INHERIT."""
    table = context.table(action)
    return " NO INHERIT" if action.only and table is not None and table.children else ""


def _validated_later(action: Action, context: Context, column: str, name: str, text: str) -> Rewrite:
    start = alter(action, context)
    add = f"{start} ADD {text} NOT VALID"
    return Rewrite((_first(add, action, context, column), _validate(action, context, name)))


def _first(sql: str, action: Action, context: Context, column: str) -> Part:
    table = subject(action, context)
    return Part(
        sql,
        "new rows are checked from here on",
        preflight=evidence.no_nulls(context, table, column, only=action.only),
        releases_notice=f"from here on {table} takes no NULL in {quote(column)}",
    )


def _validate(action: Action, context: Context, name: str) -> Part:
    sql = f"{alter(action, context)} VALIDATE CONSTRAINT {quote(name)}"
    return Part(sql, "checks the rows that were there before, while nobody waits", PhaseName.MIGRATE)


def _with_helper(action: Action, context: Context, column: str) -> Rewrite:
    start, name, helper = alter(action, context), quote(column), _helper(action, column, context)
    check = f"{start} ADD CONSTRAINT {quote(helper)} CHECK ({name} IS NOT NULL){_alone(action, context)} NOT VALID"
    set_ = Part(
        f"{start} ALTER COLUMN {name} SET NOT NULL", "the check proves it, so nothing is scanned", PhaseName.MIGRATE, with_next=True
    )
    drop = Part(
        f"ALTER TABLE {spelled(action, context)} DROP CONSTRAINT {quote(helper)}", "the helper has done its work", PhaseName.MIGRATE
    )
    return Rewrite((_first(check, action, context, column), _validate(action, context, helper), set_, drop))


RULE = Rule("set-not-null-scan", Severity.ERROR, Category.OUTAGE, _match)
