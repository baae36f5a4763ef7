"""ALTER TABLE clauses on constraints."""

from collections.abc import Iterator
from dataclasses import replace

from pgsluice.analysis.locks.cast import Match, Names, table_names
from pgsluice.analysis.locks.columns import constraint_reference, dropped_readers, proves_not_null, reference, referencing_roles
from pgsluice.analysis.locks.subject import Subject
from pgsluice.analysis.parsing.changes import cascades, constraint_name, rename
from pgsluice.analysis.parsing.constraints import ConstraintClause, added_constraint
from pgsluice.model.catalog import Constraint, ConstraintKind
from pgsluice.model.postgres.identifiers import QualifiedName

_ADD = "ALTER TABLE ADD CONSTRAINT"
_KEYS = (ConstraintKind.UNIQUE, ConstraintKind.PRIMARY_KEY, ConstraintKind.EXCLUSION)


def add_constraint(subject: Subject) -> Iterator[Match]:
    clause = added_constraint(subject.action)
    if clause is None or (subject.missing and subject.action.if_exists):
        return
    if clause.using_index:
        yield from _using_index(subject, clause, clause.using_index)
    elif clause.kind is ConstraintKind.CHECK:
        yield subject.match(f"{_ADD} CHECK{_said(clause)}")
    elif clause.kind is ConstraintKind.FOREIGN_KEY:
        yield from _foreign_key(subject, clause)
    elif clause.kind is ConstraintKind.NOT_NULL:
        yield _not_null(subject, clause)
    elif clause.kind is ConstraintKind.PRIMARY_KEY:
        nullable = _nullable(subject, clause.columns)
        yield _on_parent(subject, subject.match(f"{_ADD} PRIMARY KEY{': nullable column' if nullable else ''}"), not nullable)
    else:
        match = subject.match(f"{_ADD} {'UNIQUE' if clause.kind is ConstraintKind.UNIQUE else 'EXCLUDE'}")
        yield _on_parent(subject, match, clause.kind is ConstraintKind.UNIQUE)


def _on_parent(subject: Subject, match: Match, builds_only: bool) -> Match:
    """ONLY on a partitioned table, which has no rows of its own: no index is built."""
    return replace(match, idle=True) if builds_only and subject.partitioned and subject.action.only else match


def _said(clause: ConstraintClause) -> str:
    """How the clause is spared the check of the rows, as forms spell it."""
    if not clause.enforced:
        return ": NOT ENFORCED"
    if clause.not_valid:
        return ": NOT VALID"
    return ": NO INHERIT" if clause.no_inherit else ""


def _foreign_key(subject: Subject, clause: ConstraintClause) -> Iterator[Match]:
    target, roles = reference(subject, clause)
    if target == subject.main:
        form = f"{_ADD} FOREIGN KEY: to itself{', NOT VALID' if clause.not_valid or not clause.enforced else ''}"
        yield subject.match(form, table_key=roles["referenced_key"])
        return
    idle = subject.table is not None and subject.table.empty
    if subject.partitioned or not _has_partitions(roles):
        yield replace(subject.match(f"{_ADD} FOREIGN KEY{_said(clause)}", **roles), idle=idle)
    if _has_partitions(roles):
        unchecked = ", NOT VALID" if clause.not_valid or not clause.enforced else ""
        yield replace(subject.match(f"{_ADD} FOREIGN KEY: to a partitioned table{unchecked}", **roles), idle=idle)


def _has_partitions(roles: dict[str, Names]) -> bool:
    return bool(roles["referenced_partition"] or roles["referenced_partitioned_partition"])


def _not_null(subject: Subject, clause: ConstraintClause) -> Match:
    form = f"{_ADD} NOT NULL{_said(clause)}"
    column = subject.table.column(clause.columns[0]) if subject.table and clause.columns else None
    if not clause.not_valid and column and (column.never_null or proves_not_null(subject, column.name)):
        form = f"{_ADD} NOT NULL: proved by a valid CHECK"
    return subject.match(form)


def _nullable(subject: Subject, columns: tuple[str, ...]) -> bool:
    """Whether the rows must be read for NULLs: a column is, or may be, nullable, and no CHECK proves that it has none."""
    found = [subject.table.column(c) if subject.table else None for c in columns]
    return not found or any(c is None or not (c.never_null or proves_not_null(subject, c.name)) for c in found)


def _using_index(subject: Subject, clause: ConstraintClause, name: str) -> Iterator[Match]:
    schema = subject.main.schema if subject.main else "public"
    ready = QualifiedName(schema, name)
    index = subject.table.index(name) if subject.table else None
    same_name = clause.name in (None, name)
    kind = "PRIMARY KEY" if clause.kind is ConstraintKind.PRIMARY_KEY else "UNIQUE"
    yield subject.match(f"{_ADD} UNIQUE: USING INDEX{' of the same name' if same_name else ''}", ready_index=(ready,))
    keys = tuple(k for k in index.keys if k) if index else ()
    if kind == "PRIMARY KEY":
        nullable = ", nullable column" if _nullable(subject, keys) else ""
        yield subject.match(f"{_ADD} PRIMARY KEY: USING INDEX{nullable}", ready_index=(ready,))


def _existing(subject: Subject) -> Constraint | None:
    name = constraint_name(subject.action)
    return subject.table.constraint(name) if subject.table and name else None


def _vanishes(subject: Subject) -> bool:
    return subject.missing and subject.action.if_exists


def validate(subject: Subject) -> Iterator[Match]:
    form = "ALTER TABLE VALIDATE CONSTRAINT"
    constraint = _existing(subject)
    if _vanishes(subject):
        return
    if constraint is None:
        named = [c for c in (subject.table.columns if subject.table else ()) if c.not_null_constraint == constraint_name(subject.action)]
        yield subject.match(f"{form} NOT NULL" if named else f"{form} CHECK")
    elif constraint.validated:
        yield subject.match(f"{form} CHECK: is valid already")
    elif constraint.kind is ConstraintKind.FOREIGN_KEY:
        itself = ": to itself" if constraint.references == subject.main else ""
        roles = constraint_reference(subject, constraint)
        if subject.partitioned or not _has_partitions(roles):
            yield subject.match(f"{form} FOREIGN KEY{itself}", **roles)
        if _has_partitions(roles):
            yield subject.match(f"{form} FOREIGN KEY: to a partitioned table", **roles)
    else:
        yield subject.match(f"{form} {'NOT NULL' if constraint.kind is ConstraintKind.NOT_NULL else 'CHECK'}")


def drop_constraint(subject: Subject) -> Iterator[Match]:
    form = "ALTER TABLE DROP CONSTRAINT"
    constraint = _existing(subject)
    if _vanishes(subject):
        return
    if constraint is None:
        nothing = subject.table is not None and subject.action.node.get("missing_ok") and not _is_not_null(subject)
        yield subject.match(f"{form}: IF EXISTS, missing" if nothing else f"{form} CHECK")
    elif constraint.kind is ConstraintKind.FOREIGN_KEY:
        roles = constraint_reference(subject, constraint)
        yield subject.match(f"{form} FOREIGN KEY", **roles)
        yield subject.match(f"{form} FOREIGN KEY: to a partitioned table", **roles)
    elif constraint.kind in _KEYS:
        yield from _dropped_key(subject, constraint)
    else:
        yield subject.match(f"{form} CHECK")


def _is_not_null(subject: Subject) -> bool:
    name = constraint_name(subject.action)
    return subject.table is not None and any(c.not_null_constraint == name for c in subject.table.columns)


def _dropped_key(subject: Subject, constraint: Constraint) -> Iterator[Match]:
    form = "ALTER TABLE DROP CONSTRAINT"
    backing = table_names([constraint.index])
    kind = {ConstraintKind.UNIQUE: "UNIQUE", ConstraintKind.PRIMARY_KEY: "PRIMARY KEY"}.get(constraint.kind, "EXCLUDE")
    yield subject.match(f"{form} {kind}", constraint_index=(*backing, *attached_indexes(subject, backing)))
    if cascades(subject.action):
        columns = set(constraint.columns)
        keys = [k for k in subject.catalog.foreign_keys_to(constraint.table) if set(k.referenced_columns) == columns]
        yield subject.match(f"{form} UNIQUE: CASCADE, referenced", constraint_index=backing, **referencing_roles(subject, keys))
        yield from dropped_readers(subject, "ALTER TABLE DROP COLUMN: CASCADE, read by views", "")


def attached_indexes(subject: Subject, parents: Names) -> Names:
    """The indexes of partitions that are attached to these, at any depth."""
    found: dict[QualifiedName, None] = {}
    queue = list(parents)
    while queue:
        parent = queue.pop(0)
        below = [i.name for i in subject.catalog.indexes() if i.parent == parent and i.name not in found]
        found.update(dict.fromkeys(below))
        queue.extend(below)
    return tuple(found)


def rename_constraint(subject: Subject) -> Iterator[Match]:
    change = rename(subject.action)
    constraint = subject.table.constraint(change.old) if subject.table and change else None
    if _vanishes(subject):
        return
    if constraint and constraint.kind in _KEYS:
        yield subject.match("ALTER TABLE RENAME CONSTRAINT UNIQUE", constraint_index=table_names([constraint.index]))
    elif constraint and constraint.kind is ConstraintKind.FOREIGN_KEY:
        yield subject.match("ALTER TABLE RENAME CONSTRAINT FOREIGN KEY")
    else:
        yield subject.match("ALTER TABLE RENAME CONSTRAINT CHECK")


def alter_constraint(subject: Subject) -> Iterator[Match]:
    form = "ALTER TABLE ALTER CONSTRAINT"
    change = subject.action.node.get("def", {}).get("ATAlterConstraint", {})
    constraint = _existing(subject)
    roles = constraint_reference(subject, constraint) if constraint else {}
    if change.get("alterEnforceability"):
        yield subject.match(f"{form} {'ENFORCED' if change.get('is_enforced') else 'NOT ENFORCED'}", **roles)
    elif change.get("alterInheritability"):
        yield subject.match(f"{form} {'NO INHERIT' if change.get('noinherit') else 'INHERIT'}")
    else:
        yield subject.match(f"{form} FOREIGN KEY", **roles)


CLASSIFIERS = {
    "ALTER TABLE ADD CONSTRAINT": add_constraint,
    "ALTER TABLE VALIDATE CONSTRAINT": validate,
    "ALTER TABLE DROP CONSTRAINT": drop_constraint,
    "ALTER TABLE RENAME CONSTRAINT": rename_constraint,
    "ALTER TABLE ALTER CONSTRAINT": alter_constraint,
}
