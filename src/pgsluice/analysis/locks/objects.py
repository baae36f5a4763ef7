"""Everything that is no table: triggers, policies, sequences, types, functions, privileges, comments ..."""

import re
from collections.abc import Callable, Iterable, Iterator

from pgsluice.analysis.locks.cast import Match, dependent_views, descendants, indexes_of, stored, table_names
from pgsluice.analysis.locks.subject import NotUnderstoodError, Subject
from pgsluice.analysis.locks.tables import dropped, reads_definition
from pgsluice.analysis.parsing.changes import cascades, trigger_definition
from pgsluice.analysis.parsing.mentions import mentioned_relations
from pgsluice.analysis.parsing.objects import sequence_definition
from pgsluice.analysis.parsing.subjects import subject as subject_name
from pgsluice.analysis.parsing.trees import Name
from pgsluice.model.catalog import Table, TableKind, Type
from pgsluice.model.postgres.identifiers import QualifiedName

Classifier = Callable[[Subject], Iterator[Match]]


def _form(form: str) -> Classifier:
    def classify(subject: Subject) -> Iterator[Match]:
        if not (subject.main and subject.missing and subject.action.if_exists):
            yield subject.match(form)

    return classify


def create_trigger(subject: Subject) -> Iterator[Match]:
    definition = trigger_definition(subject.action)
    if definition and definition.references:
        yield subject.match("CREATE CONSTRAINT TRIGGER: FROM another table", referenced=(subject.name(definition.references),))
    each_row = definition is None or definition.row or not subject.partitioned
    yield subject.match("CREATE TRIGGER" if each_row else "CREATE TRIGGER: for each statement")


def _part(form: str, kind: str) -> Classifier:
    """DROP of a trigger, policy or rule: nothing happens where IF EXISTS finds none."""

    def classify(subject: Subject) -> Iterator[Match]:
        name = subject_name(subject.action)
        if subject.action.if_exists and subject.catalog.known and (subject.table is None or not _has(subject.table, kind, name)):
            yield subject.match(f"DROP {kind}: IF EXISTS, missing" if kind != "RULE" else "DROP POLICY: IF EXISTS, missing")
        else:
            yield subject.match(form)

    return classify


def _has(table: Table, kind: str, name: Name | None) -> bool:
    there = {"TRIGGER": tuple(t.name for t in table.triggers), "POLICY": table.policies, "RULE": table.rules}
    return name is not None and name[1] in there[kind]


def policy(subject: Subject) -> Iterator[Match]:
    yield subject.match("CREATE POLICY")
    yield from reads_definition(subject)


def rule(subject: Subject) -> Iterator[Match]:
    yield subject.match("CREATE RULE")
    yield from reads_definition(subject)


def rename_part(subject: Subject) -> Iterator[Match]:
    """ALTER TRIGGER, POLICY or RULE ... RENAME."""
    yield subject.match("ALTER TRIGGER RENAME")


def depends(subject: Subject) -> Iterator[Match]:
    yield subject.match("ALTER TRIGGER DEPENDS ON EXTENSION" if subject.main else "ALTER FUNCTION")


def statistics(subject: Subject) -> Iterator[Match]:
    """The table of CREATE STATISTICS is in the statement, that of DROP is not: its lock blocks no query."""
    yield subject.match("CREATE STATISTICS")


def drop_statistics(subject: Subject) -> Iterator[Match]:
    yield Match("DROP STATISTICS", None, {"table": ()})


def create_sequence(subject: Subject) -> Iterator[Match]:
    yield from _owner(subject, "CREATE SEQUENCE: OWNED BY", "CREATE SEQUENCE")


def alter_sequence(subject: Subject) -> Iterator[Match]:
    if not (subject.missing and subject.action.if_exists):
        yield from _owner(subject, "ALTER SEQUENCE: OWNED BY", "ALTER SEQUENCE")


def _owner(subject: Subject, owned: str, other: str) -> Iterator[Match]:
    definition = sequence_definition(subject.action)
    sequence = table_names([subject.main])
    if definition and definition.owned_by:
        yield Match(owned, None, {"sequence": sequence, "table": (subject.name(definition.owned_by[0]),)})
    else:
        yield Match(other, None, {"sequence": sequence})


def drop_sequence(subject: Subject) -> Iterator[Match]:
    if subject.missing and subject.action.if_exists:
        return
    yield Match("DROP SEQUENCE", subject.main)
    for table in subject.catalog.tables.values() if cascades(subject.action) else ():
        if any(c.sequence == subject.main or _names_sequence(c.default, subject.main) for c in table.columns):
            yield Match(
                "DROP SEQUENCE: CASCADE, default of a column",
                subject.main,
                {"table": (table.name,), "child": descendants(subject.catalog, table)},
            )


def _names_sequence(default: str | None, sequence: QualifiedName | None) -> bool:
    return bool(default and sequence and "nextval" in default and sequence.name in default)


def users_of(subject: Subject, found: Type | None) -> Iterable[Table]:
    """The tables that have a column of this domain, of one over it, or of a range, array or composite with it."""
    if found is None:
        return ()
    names = {found.name}
    while True:
        more = {t.name for t in subject.catalog.types.values() if t.name not in names and _uses(t, names)}
        if not more:
            break
        names |= more
    return [t for t in subject.catalog.tables.values() if any(_is_of(c.type, names, subject) for c in t.columns)]


def _uses(candidate: Type, names: set[QualifiedName]) -> bool:
    inner = [candidate.base or "", *(kind for _, kind in candidate.attributes)]
    return any(_plain(text) in {p for n in names for p in (str(n), n.name, f"{n.schema}.{n.name}")} for text in inner if text)


def _plain(text: str) -> str:
    return re.sub(r"(\([^)]*\)|\[\d*\])+\Z", "", text)


def _is_of(text: str, names: set[QualifiedName], subject: Subject) -> bool:
    spellings = {p for n in names for p in (str(n), f"{n.schema}.{n.name}")}
    spellings |= {p for n in names if n.schema in subject.catalog.search_path for p in (n.name, str(n).split(".", 1)[-1])}
    return _plain(text) in spellings


def _domain(form: str) -> Classifier:
    def classify(subject: Subject) -> Iterator[Match]:
        if not subject.catalog.known:
            raise NotUnderstoodError("which tables use the domain")
        found = subject.type(subject_name(subject.action) or (None, ""))
        users = tuple(t.name for t in users_of(subject, found) if stored(t))
        yield Match(form, None, {"user": users})

    return classify


def add_domain_constraint(subject: Subject) -> Iterator[Match]:
    node = subject.action.node.get("def", {}).get("Constraint", {})
    if node.get("skip_validation"):
        yield Match("ALTER DOMAIN ADD CONSTRAINT: NOT VALID")
    else:
        yield from _domain("ALTER DOMAIN ADD CONSTRAINT")(subject)


def drop_type(subject: Subject) -> Iterator[Match]:
    yield Match("DROP TYPE")
    found = subject.type(subject_name(subject.action) or (None, ""))
    for table in users_of(subject, found) if cascades(subject.action) else ():
        columns = {c.name for c in table.columns if found and _is_of(c.type, {found.name}, subject)}
        used = indexes_of(subject.catalog, [table.name], lambda i: bool(columns & i.columns))  # noqa: B023
        views = tuple(v for c in columns for v in dependent_views(subject.catalog, table.name, c))
        roles = {"child": (), "column indexes": used, "view": views, "matview": (), "matview indexes": indexes_of(subject.catalog, views)}
        yield Match("ALTER TABLE DROP COLUMN: indexed", table.name, roles)
        yield Match("ALTER TABLE DROP COLUMN: CASCADE, read by views", table.name, roles)


def drop_function(subject: Subject) -> Iterator[Match]:
    """With CASCADE every table whose triggers, defaults, constraints or indexes seem to call it, and every such view."""
    yield Match("DROP FUNCTION")
    name = (subject_name(subject.action) or (None, ""))[1]
    if not cascades(subject.action):
        return
    if not subject.catalog.known:
        raise NotUnderstoodError("what calls the function")
    for table in subject.catalog.tables.values():
        if _calls(table, name):
            yield Match("DROP FUNCTION: CASCADE, triggers call it", table.name)
            used = tuple(i.name for i in table.indexes if name in i.definition)
            yield Match("ALTER TABLE DROP COLUMN: indexed", table.name, {"column indexes": used, "child": ()})


def _calls(table: Table, name: str) -> bool:
    texts = [t.function for t in table.triggers] + [c.default or "" for c in table.columns]
    texts += [c.definition for c in table.constraints] + [i.definition for i in table.indexes] + [table.definition or "", *table.texts]
    return any(name in text for text in texts)


def drop_schema(subject: Subject) -> Iterator[Match]:
    yield Match("DROP SCHEMA")
    if not cascades(subject.action):
        return
    if not subject.catalog.known:
        raise NotUnderstoodError("what the schema holds")
    schema = (subject_name(subject.action) or (None, ""))[1]
    for table in subject.catalog.tables.values():
        if table.name.schema == schema:
            yield from dropped(subject.on(table.name), True)
            yield Match("DROP MATERIALIZED VIEW", table.name)
    for name in subject.catalog.sequences:
        if name.schema == schema:
            yield Match("DROP SEQUENCE", name)


def drop_extension(subject: Subject) -> Iterator[Match]:
    if cascades(subject.action):
        raise NotUnderstoodError("what depends on the extension")
    name = (subject_name(subject.action) or (None, ""))[1]
    yield Match("DROP FUNCTION")
    for table in subject.catalog.tables.values():
        if table.extension == name:
            yield from dropped(subject.on(table.name), False)


def publication(subject: Subject) -> Iterator[Match]:
    """The tables that the clause names, with their children; those that SET replaces."""
    yield Match("CREATE PUBLICATION: FOR ALL TABLES")
    names = table_names(subject.name(n) for n in sorted(mentioned_relations(subject.action), key=str))
    if subject.action.node.get("action") == "AP_SetObjects":
        own = (subject_name(subject.action) or (None, ""))[1]
        names = (*names, *(t.name for t in subject.catalog.tables.values() if own in t.published_by))
    for name in table_names(names):
        table = subject.catalog.table(name)
        below = descendants(subject.catalog, table) if table and table.kind is not TableKind.PARTITIONED else ()
        yield Match("CREATE PUBLICATION: FOR TABLE", name, {"child": below})


def grant(subject: Subject) -> Iterator[Match]:
    node = subject.action.node
    target, what = node.get("targtype"), node.get("objtype")
    if what == "OBJECT_TABLE" and target == "ACL_TARGET_OBJECT":
        sequence = subject.main in subject.catalog.sequences
        yield Match("GRANT ON SEQUENCE" if sequence else "GRANT ON TABLE", subject.main)
    elif what == "OBJECT_SEQUENCE" and target == "ACL_TARGET_OBJECT":
        yield Match("GRANT ON SEQUENCE", subject.main)
    else:
        yield Match("GRANT ON SCHEMA")


def comment(subject: Subject) -> Iterator[Match]:
    form = _COMMENTED.get(subject.action.node.get("objtype", ""), "COMMENT ON TYPE")
    yield Match(form, subject.main)


_COMMENTED = {
    "OBJECT_TABLE": "COMMENT ON TABLE",
    "OBJECT_FOREIGN_TABLE": "COMMENT ON TABLE",
    "OBJECT_COLUMN": "COMMENT ON COLUMN",
    "OBJECT_TABCONSTRAINT": "COMMENT ON CONSTRAINT",
    "OBJECT_TRIGGER": "COMMENT ON TRIGGER",
    "OBJECT_POLICY": "COMMENT ON POLICY",
    "OBJECT_RULE": "COMMENT ON POLICY",
    "OBJECT_VIEW": "COMMENT ON VIEW",
    "OBJECT_MATVIEW": "COMMENT ON MATERIALIZED VIEW",
    "OBJECT_INDEX": "COMMENT ON INDEX",
    "OBJECT_SEQUENCE": "COMMENT ON SEQUENCE",
}


def function(subject: Subject) -> Iterator[Match]:
    """A SQL body is parsed when the function is made: the relations that it names are looked at."""
    from pgsluice.analysis.parsing.bodies import body

    yield Match("CREATE FUNCTION")
    found = body(subject.action.statement)
    if found is None or found.language != "sql":
        return
    names = table_names(subject.name(n) for s in found.statements for n in sorted(mentioned_relations(s), key=str))
    if names:
        yield Match("CREATE FUNCTION: SQL body names a table", None, {"read table": names})


_NO_RELATION = {
    "ALTER FUNCTION": ("", " RENAME", " SET SCHEMA", " OWNER TO"),
    "ALTER PROCEDURE": ("", " RENAME", " SET SCHEMA", " OWNER TO"),
    "ALTER ROUTINE": ("", " RENAME", " SET SCHEMA", " OWNER TO"),
    "ALTER AGGREGATE": (" RENAME", " SET SCHEMA", " OWNER TO"),
    "ALTER TYPE": (" ADD VALUE", " RENAME VALUE", " RENAME", " SET SCHEMA", " OWNER TO"),
    "ALTER DOMAIN": (" DROP NOT NULL", " SET DEFAULT", " DROP DEFAULT", " DROP CONSTRAINT", " RENAME", " RENAME CONSTRAINT", " OWNER TO"),
    "ALTER SCHEMA": (" RENAME", " OWNER TO"),
    "ALTER STATISTICS": ("", " RENAME", " OWNER TO", " SET SCHEMA"),
    "ALTER ROLE": ("", " SET", " RENAME"),
    "ALTER DATABASE": (" SET", " OWNER TO"),
    "ALTER DEFAULT PRIVILEGES": ("",),
    "ALTER PUBLICATION": (" RENAME", " OWNER TO"),
    "CREATE": (
        *(" AGGREGATE", " CAST", " COLLATION", " DOMAIN", " EVENT TRIGGER", " EXTENSION", " OPERATOR", " ROLE", " SCHEMA", " TYPE"),
        *(" OPERATOR CLASS", " OPERATOR FAMILY", " CONVERSION", " LANGUAGE", " SERVER", " FOREIGN DATA WRAPPER", " USER MAPPING"),
        *(" TEXT SEARCH CONFIGURATION", " TEXT SEARCH DICTIONARY", " TRANSFORM", " ACCESS METHOD"),
    ),
    "DROP": (" PUBLICATION", " ROLE", " EVENT TRIGGER", " COLLATION", " AGGREGATE", " OPERATOR", " CAST"),
    "SET": ("", " TRANSACTION", " CONSTRAINTS"),
    "RESET": ("",),
    "SHOW": ("",),
    "NOTIFY": ("",),
    "LISTEN": ("",),
    "UNLISTEN": ("",),
    "BEGIN": ("",),
    "COMMIT": ("",),
    "ROLLBACK": ("",),
    "SAVEPOINT": ("",),
    "RELEASE": ("",),
    "ROLLBACK TO": ("",),
    "DISCARD": ("",),
    "CHECKPOINT": ("",),
}
"""Statements that lock no relation of a user's: those of them that have a specimen do not, and the others are of the same make."""


def _nothing(subject: Subject) -> Iterator[Match]:
    if cascades(subject.action):
        raise NotUnderstoodError("what depends on it")
    yield Match("SET")


def _outside(_: Subject) -> Iterator[Match]:
    yield Match("ALTER SYSTEM")


CLASSIFIERS: dict[str, Classifier] = {
    **{f"{verb}{rest}": _nothing for verb, words in _NO_RELATION.items() for rest in words},
    "ALTER SYSTEM": _outside,
    "CREATE DATABASE": _outside,
    "DROP DATABASE": _outside,
    "CREATE TABLESPACE": _outside,
    "DROP TABLESPACE": _outside,
    "CREATE TRIGGER": create_trigger,
    "DROP TRIGGER": _part("DROP TRIGGER", "TRIGGER"),
    "DROP POLICY": _part("DROP POLICY", "POLICY"),
    "DROP RULE": _part("DROP RULE", "RULE"),
    "ALTER TRIGGER RENAME": rename_part,
    "ALTER POLICY RENAME": _form("ALTER POLICY RENAME"),
    "ALTER RULE RENAME": _form("ALTER RULE RENAME"),
    "ALTER TRIGGER DEPENDS ON EXTENSION": depends,
    "ALTER FUNCTION DEPENDS ON EXTENSION": depends,
    "CREATE POLICY": policy,
    "ALTER POLICY": policy,
    "CREATE RULE": rule,
    "CREATE STATISTICS": statistics,
    "DROP STATISTICS": drop_statistics,
    "CREATE SEQUENCE": create_sequence,
    "ALTER SEQUENCE": alter_sequence,
    "DROP SEQUENCE": drop_sequence,
    "ALTER SEQUENCE RENAME": _form("ALTER SEQUENCE RENAME"),
    "ALTER SEQUENCE OWNER TO": _form("ALTER SEQUENCE OWNER TO"),
    "ALTER SEQUENCE SET SCHEMA": _form("ALTER SEQUENCE SET SCHEMA"),
    "ALTER SEQUENCE SET LOGGED": _form("ALTER SEQUENCE SET LOGGED"),
    "ALTER SEQUENCE SET UNLOGGED": _form("ALTER SEQUENCE SET LOGGED"),
    "ALTER VIEW RENAME": _form("ALTER VIEW RENAME"),
    "ALTER VIEW RENAME COLUMN": _form("ALTER VIEW RENAME COLUMN"),
    "ALTER VIEW SET SCHEMA": _form("ALTER VIEW SET SCHEMA"),
    "ALTER VIEW OWNER TO": _form("ALTER VIEW OWNER TO"),
    "ALTER VIEW SET": _form("ALTER VIEW SET (options)"),
    "ALTER VIEW RESET": _form("ALTER VIEW SET (options)"),
    "ALTER VIEW SET DEFAULT": _form("ALTER VIEW SET DEFAULT"),
    "ALTER VIEW DROP DEFAULT": _form("ALTER VIEW SET DEFAULT"),
    "ALTER MATERIALIZED VIEW RENAME": _form("ALTER MATERIALIZED VIEW RENAME"),
    "ALTER MATERIALIZED VIEW SET SCHEMA": _form("ALTER MATERIALIZED VIEW SET SCHEMA"),
    "ALTER MATERIALIZED VIEW SET": _form("ALTER MATERIALIZED VIEW SET (options)"),
    "ALTER DOMAIN ADD CONSTRAINT": add_domain_constraint,
    "ALTER DOMAIN VALIDATE CONSTRAINT": _domain("ALTER DOMAIN VALIDATE CONSTRAINT"),
    "ALTER DOMAIN SET NOT NULL": _domain("ALTER DOMAIN SET NOT NULL"),
    "DROP TYPE": drop_type,
    "DROP DOMAIN": drop_type,
    "CREATE FUNCTION": function,
    "CREATE PROCEDURE": function,
    "DROP FUNCTION": drop_function,
    "DROP PROCEDURE": drop_function,
    "DROP ROUTINE": drop_function,
    "DROP SCHEMA": drop_schema,
    "DROP EXTENSION": drop_extension,
    "CREATE PUBLICATION": publication,
    "ALTER PUBLICATION": publication,
    "GRANT": grant,
    "REVOKE": grant,
    "COMMENT": comment,
}
