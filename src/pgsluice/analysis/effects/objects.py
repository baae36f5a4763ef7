"""Effects on sequences, types, functions, schemas, extensions, triggers, and on the search path."""

from dataclasses import replace

from pgsluice.analysis.parsing.changes import setting
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.subjects import subject
from pgsluice.analysis.parsing.trees import name_of, relation_name, strings
from pgsluice.model.catalog import Catalog, Function, Publication, Sequence, Table, Trigger, Type
from pgsluice.model.postgres.identifiers import QualifiedName, quote

_TYPES = {"CreateEnumStmt": "enum", "CreateDomainStmt": "domain", "CompositeTypeStmt": "composite", "CreateRangeStmt": "range"}
_VOLATILITIES = frozenset({"immutable", "stable", "volatile"})


def sequence_created(action: Action, catalog: Catalog) -> Catalog:
    if action.relation is None:
        return catalog
    schema, name = action.relation
    place = QualifiedName(schema or catalog.creation_schema, name)
    return replace(catalog, sequences={**catalog.sequences, place: catalog.sequences.get(place, Sequence(place, made_by_run=True))})


def sequence_dropped(action: Action, catalog: Catalog) -> Catalog:
    name = catalog.resolve(*action.relation) if action.relation else None
    return replace(catalog, sequences={n: s for n, s in catalog.sequences.items() if n != name})


def sequence_altered(action: Action, catalog: Catalog) -> Catalog:
    """OWNED BY ties it to a column; other options do not matter to planning."""
    sequence = catalog.sequences.get(catalog.resolve(*action.relation)) if action.relation else None
    options = [o["DefElem"] for o in action.node.get("options", ())]
    owner = next((o for o in options if o.get("defname") == "owned_by"), None)
    if sequence is None or owner is None:
        return catalog
    *table, column = strings(owner["arg"]["List"]["items"])
    if not table:
        return catalog
    owner_name = catalog.resolve(*name_of(table))
    tied = replace(sequence, owned_by=(owner_name, column))
    catalog = replace(catalog, sequences={**catalog.sequences, sequence.name: tied})
    found = catalog.table(owner_name)
    if found is None:
        return catalog
    columns = tuple(replace(c, sequence=sequence.name) if c.name == column else c for c in found.columns)
    return catalog.with_table(replace(found, columns=columns))


def _place(action: Action, catalog: Catalog) -> QualifiedName | None:
    found = subject(action)
    return QualifiedName(found[0] or catalog.creation_schema, found[1]) if found else None


def _known_type(action: Action, catalog: Catalog) -> Type | None:
    found = subject(action)
    if found is None:
        return None
    schemas = (found[0],) if found[0] else catalog.search_path
    return next((catalog.types[n] for s in schemas if (n := QualifiedName(s, found[1])) in catalog.types), None)


def type_created(action: Action, catalog: Catalog) -> Catalog:
    place = _place(action, catalog)
    if place is None:
        return catalog
    kind = _TYPES.get(action.statement.kind, "base")
    checks = [c["Constraint"] for c in action.node.get("constraints", ()) if "Constraint" in c] if kind == "domain" else []
    made = Type(
        place,
        kind,
        labels=strings(action.node.get("vals", ())),
        not_null=any(c.get("contype") == "CONSTR_NOTNULL" for c in checks),
        constraints=tuple((c.get("conname", ""), "CHECK", True) for c in checks if c.get("contype") == "CONSTR_CHECK"),
    )
    return replace(catalog, types={**catalog.types, place: made})


def label_added(action: Action, catalog: Catalog) -> Catalog:
    found, label = _known_type(action, catalog), action.node.get("newVal")
    if found is None or label is None:
        return catalog
    return replace(catalog, types={**catalog.types, found.name: replace(found, labels=(*found.labels, label))})


def type_renamed(action: Action, catalog: Catalog) -> Catalog:
    found = _known_type(action, catalog)
    if found is None:
        return catalog
    new = QualifiedName(found.name.schema, action.node["newname"])
    types = {**{n: t for n, t in catalog.types.items() if n != found.name}, new: replace(found, name=new)}
    return replace(catalog, types=types, tables={n: _retyped(t, found.name, new) for n, t in catalog.tables.items()})


def _retyped(table: Table, old: QualifiedName, new: QualifiedName) -> Table:
    """The table, its columns of the renamed type with its new name, qualified where the old one was."""
    names = {quote(old.name): quote(new.name), str(old): str(new)}
    names |= {f"{was}[]": f"{now}[]" for was, now in names.items()}
    if not any(c.type in names for c in table.columns):
        return table
    return replace(table, columns=tuple(replace(c, type=names.get(c.type, c.type)) for c in table.columns))


def type_dropped(action: Action, catalog: Catalog) -> Catalog:
    found = _known_type(action, catalog)
    return catalog if found is None else replace(catalog, types={n: t for n, t in catalog.types.items() if n != found.name})


def function_created(action: Action, catalog: Catalog) -> Catalog:
    place = _place(action, catalog)
    if place is None:
        return catalog
    options = {o["DefElem"].get("defname"): o["DefElem"].get("arg", {}) for o in action.node.get("options", ())}
    said = options.get("volatility", {}).get("String", {}).get("sval", "volatile")
    made = Function(place, f"{place}()", volatility=said if said in _VOLATILITIES else "volatile", definition=action.sql)
    return replace(catalog, functions=(*(f for f in catalog.functions if f.name != place), made))


def function_dropped(action: Action, catalog: Catalog) -> Catalog:
    place = _place(action, catalog)
    return replace(catalog, functions=tuple(f for f in catalog.functions if f.name != place))


def schema_created(action: Action, catalog: Catalog) -> Catalog:
    found = subject(action)
    return replace(catalog, schemas=catalog.schemas | {found[1]}) if found else catalog


def schema_dropped(action: Action, catalog: Catalog) -> Catalog:
    found = subject(action)
    if found is None:
        return catalog
    gone = found[1]
    return replace(
        catalog,
        schemas=catalog.schemas - {gone},
        tables={n: t for n, t in catalog.tables.items() if n.schema != gone},
        sequences={n: s for n, s in catalog.sequences.items() if n.schema != gone},
        types={n: t for n, t in catalog.types.items() if n.schema != gone},
        functions=tuple(f for f in catalog.functions if f.name.schema != gone),
    )


def extension_created(action: Action, catalog: Catalog) -> Catalog:
    found = subject(action)
    return replace(catalog, extensions=catalog.extensions | {found[1]}) if found else catalog


def trigger_created(action: Action, catalog: Catalog) -> Catalog:
    table = catalog.table(catalog.resolve(*action.relation)) if action.relation else None
    found = subject(action)
    if table is None or found is None:
        return catalog
    made = Trigger(found[1], table.name, action.sql)
    return catalog.with_table(replace(table, triggers=(*(t for t in table.triggers if t.name != made.name), made)))


def trigger_dropped(action: Action, catalog: Catalog) -> Catalog:
    table = catalog.table(catalog.resolve(*action.relation)) if action.relation else None
    found = subject(action)
    if table is None or found is None:
        return catalog
    return catalog.with_table(replace(table, triggers=tuple(t for t in table.triggers if t.name != found[1])))


def published(action: Action, catalog: Catalog) -> Catalog:
    """CREATE PUBLICATION: what carries whose rows from here on."""
    name = action.node.get("pubname", "")
    objects = [o["PublicationObjSpec"] for o in action.node.get("pubobjects", ()) if "PublicationObjSpec" in o]
    schemas = tuple(o["name"] for o in objects if "name" in o)
    made = Publication(name, bool(action.node.get("for_all_tables")), schemas)
    tables = dict(catalog.tables)
    for relation in (o["pubtable"]["relation"] for o in objects if "pubtable" in o):
        table = catalog.table(catalog.resolve(*relation_name(relation)))
        if table is not None:
            tables[table.name] = replace(table, published_by=(*table.published_by, name))
    return replace(catalog, publications=(*catalog.publications, made), tables=tables)


def setting_changed(action: Action, catalog: Catalog) -> Catalog:
    """SET search_path changes what unqualified names mean, SET TimeZone which changes of type are free."""
    name = action.node.get("name", "").lower()
    if name == "timezone":
        found = setting(action)
        return replace(catalog, settings={**catalog.settings, "TimeZone": (found.value if found else None) or ""})
    if name != "search_path":
        return catalog
    values = [a.get("A_Const", {}).get("sval", {}).get("sval") for a in action.node.get("args", ())]
    named = tuple(v if v != "$user" else catalog.role for v in values if v)
    return replace(catalog, search_path=tuple(v for v in named if v != "pg_catalog"))
