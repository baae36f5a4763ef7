"""The names by which actions depend on each other."""

from pgsluice.analysis.parsing.columns import column_definition
from pgsluice.analysis.parsing.constraints import added_constraint
from pgsluice.analysis.parsing.indexes import index_definition
from pgsluice.analysis.parsing.mentions import mentioned_names, mentioned_relations
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.subjects import subject
from pgsluice.analysis.parsing.tables import table_definition
from pgsluice.analysis.rules.index.definition import name_in
from pgsluice.model.catalog import Catalog
from pgsluice.model.postgres.identifiers import QualifiedName

_EVERYWHERE = frozenset(
    """
    pg_catalog * bool bytea char int2 int4 int8 float4 float8 numeric text varchar bpchar name json jsonb uuid date time timetz
    timestamp timestamptz interval inet cidr void trigger record regclass plpgsql sql now count
    """.split()
)
"""Names of the server's own that tie nothing together."""

_INDEPENDENT = frozenset(
    {
        "ALTER TABLE ADD COLUMN",
        "ALTER TABLE ADD CONSTRAINT",
        "ALTER TABLE VALIDATE CONSTRAINT",
        "ALTER TABLE DROP COLUMN",
        "ALTER TABLE DROP CONSTRAINT",
        "ALTER TABLE SET DEFAULT",
        "ALTER TABLE DROP DEFAULT",
        "ALTER TABLE SET NOT NULL",
        "ALTER TABLE DROP NOT NULL",
        "ALTER TABLE SET STATISTICS",
        "CREATE INDEX",
        "DROP INDEX",
        "COMMENT",
    }
)


def is_independent(action: Action) -> bool:
    """Whether its outcome does not depend on a column or constraint of the same table that it does not name: those of the
    list above, and a CREATE TABLE that takes nothing from another table but a foreign key's target."""
    if action.kind in _INDEPENDENT:
        return True
    definition = table_definition(action) if action.kind == "CREATE TABLE" else None
    return definition is not None and not (definition.like or definition.inherits or definition.of_type or definition.query)


def tying_names(action: Action) -> frozenset[str]:
    """Columns, constraints, types, functions and other names, without that of the relation that the action is about
    (unless that is an index, which others know by name only)."""
    relation = set(action.relation) if action.relation and " INDEX" not in action.kind else set()
    own = subject(action)
    column = column_definition(action) if action.kind == "ALTER TABLE ADD COLUMN" else None
    kept = {n for n in mentioned_names(action) if n not in relation and n not in _EVERYWHERE}
    return frozenset(kept | ({own[1]} if own else set()) | ({column.name} if column else set()))


def chosen_names(action: Action, catalog: Catalog) -> frozenset[str]:
    """What the server will choose: the name of an unnamed index, which whatever had it before has to give up by then, and the key that a
    foreign key references without saying its columns, which has to be there."""
    clause = added_constraint(action)
    if clause is not None and clause.references is not None and not clause.referenced_columns:
        table = catalog.table(catalog.resolve(*clause.references))
        key = table.primary_key if table is not None else None
        return frozenset({key.name, *key.columns}) if key is not None else frozenset()
    index = index_definition(action) if action.kind == "CREATE INDEX" and action.relation is not None else None
    if index is None or index.name is not None:
        return frozenset()
    return frozenset({name_in(catalog, catalog.resolve(*index.table), index)})


def tying_relations(action: Action, catalog: Catalog) -> frozenset[QualifiedName]:
    """The relations that it mentions, makes or renames to."""
    found = {catalog.resolve(*relation) for relation in mentioned_relations(action)}
    new = action.node.get("newname")
    if isinstance(new, str) and action.relation is not None:
        found.add(QualifiedName(catalog.resolve(*action.relation).schema, new))
    return frozenset(found)
