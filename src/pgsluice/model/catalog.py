"""The catalog: what stands in a database, as plain frozen data. Looking never changes it; effects return new ones.

Names of relations are `QualifiedName`; everything else that hangs on a relation names it by that.
Texts such as types and definitions are in the spelling of the server's own pg_get_* and format_type functions.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from pgsluice.model.catalog_lookup import lookup
from pgsluice.model.postgres.identifiers import QualifiedName
from pgsluice.model.postgres.versions import ServerVersion

UNKNOWN_BYTES = 1 << 30
"""The size of a table that was never analysed and cannot be measured: 1 GiB, so that it is treated as large."""


class TableKind(StrEnum):
    TABLE = "table"
    PARTITIONED = "partitioned table"
    VIEW = "view"
    MATERIALIZED_VIEW = "materialized view"
    FOREIGN = "foreign table"


@dataclass(frozen=True, slots=True)
class Column:
    """`generated` is '' or 'stored' or 'virtual'; `identity` is '' or 'always' or 'by default'; `default` is the
    default's (or the generation expression's) text. `sequence` is the sequence that the column owns (serial, identity).
    `not_null_constraint` is the name of its NOT NULL constraint (18+), `not_null_validated` whether that is valid: with
    `not_null` and an invalid constraint new NULLs are refused, old ones may be there (`never_null` knows).
    `collation` is quoted and qualified, None for the type's own; `storage` is '' for that. `statistics_target` is None for the default."""

    name: str
    type: str
    not_null: bool = False
    default: str | None = None
    generated: str = ""
    identity: str = ""
    sequence: QualifiedName | None = None
    collation: str | None = None
    storage: str = ""
    compression: str = ""
    statistics_target: int | None = None
    comment: str | None = None
    privileges: tuple[str, ...] = ()
    not_null_constraint: str | None = None
    not_null_validated: bool = True
    has_missing_value: bool = False

    @property
    def never_null(self) -> bool:
        """Whether the server knows that no row has a NULL here."""
        return self.not_null and self.not_null_validated


@dataclass(frozen=True, slots=True)
class Index:
    """`keys` are column names, or None for an expression; `columns` are all columns that keys, INCLUDE, expressions
    and the predicate use. `constraint` is the name of the constraint that it backs."""

    name: QualifiedName
    table: QualifiedName
    definition: str
    method: str = "btree"
    keys: tuple[str | None, ...] = ()
    columns: frozenset[str] = frozenset()
    include: tuple[str, ...] = ()
    predicate: str | None = None
    unique: bool = False
    primary: bool = False
    valid: bool = True
    constraint: str | None = None
    parent: QualifiedName | None = None
    partitioned: bool = False
    replica_identity: bool = False
    plain: bool = True
    """btree over columns in their default order, opclass and collation: fit to back a constraint."""
    nulls_not_distinct: bool = False
    bytes: int = 0


class ConstraintKind(StrEnum):
    CHECK = "check"
    FOREIGN_KEY = "foreign key"
    UNIQUE = "unique"
    PRIMARY_KEY = "primary key"
    EXCLUSION = "exclusion"
    NOT_NULL = "not null"


@dataclass(frozen=True, slots=True)
class Constraint:
    """`references` and `referenced_columns` are those of a foreign key. `inherited` where a parent table has it.
    `columns` of a CHECK are the ones that it reads. A NOT NULL constraint of 18 is here too, and in its column."""

    name: str
    table: QualifiedName
    kind: ConstraintKind
    definition: str
    columns: tuple[str, ...] = ()
    validated: bool = True
    references: QualifiedName | None = None
    referenced_columns: tuple[str, ...] = ()
    index: QualifiedName | None = None
    deferrable: bool = False
    enforced: bool = True
    no_inherit: bool = False
    inherited: bool = False

    def says_what(self, other: "Constraint") -> bool:
        """Whether both are foreign keys from the same columns to the same ones."""
        mine, others = ((c.kind, c.columns, c.references, c.referenced_columns) for c in (self, other))
        return mine == others and self.kind is ConstraintKind.FOREIGN_KEY


@dataclass(frozen=True, slots=True)
class Trigger:
    """`function` is its function's signature; `inherited` where it is a partition's copy of its parent's."""

    name: str
    table: QualifiedName
    definition: str
    enabled: bool = True
    function: str = ""
    inherited: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A relation with columns: a table, partitioned or not, a view, a materialised view or a foreign table.

    `rows` is the planner's estimate, None where the table was never analysed; `bytes` is heap and TOAST and
    `total_bytes` indexes too; those of a table with partitions or inheritance children are the sums over all of them, since
    statements on it reach them. `size_known` is False where somebody's ACCESS EXCLUSIVE lock hid the size: `bytes` is then
    the planner's estimate, or UNKNOWN_BYTES. `rules` and `policies` are names, `texts` how the server prints them.
    `privileges` are aclitems, `options` storage parameters, `extension` the extension that it belongs to.
    `made_by_run` is set by effects for what this run itself makes: nobody else uses it yet; `filled` where the run may have
    put rows into it since.
    `depends_on` are the relations (and columns) that a view reads; `definition` is a view's query."""

    name: QualifiedName
    kind: TableKind = TableKind.TABLE
    persistence: str = "permanent"
    owner: str = ""
    rows: float | None = None
    bytes: int = 0
    total_bytes: int = 0
    columns: tuple[Column, ...] = ()
    indexes: tuple[Index, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    rules: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    parents: tuple[QualifiedName, ...] = ()
    children: tuple[QualifiedName, ...] = ()
    is_partition: bool = False
    partition_key: str | None = None
    partition_bound: str | None = None
    default_partition: QualifiedName | None = None
    row_security: bool = False
    replica_identity: str = "default"
    published_by: tuple[str, ...] = ()
    definition: str | None = None
    depends_on: tuple[tuple[QualifiedName, str], ...] = ()
    of_type: str | None = None
    comment: str | None = None
    wraparound_age: int = 0
    made_by_run: bool = False
    filled: bool = False
    size_known: bool = True
    texts: tuple[str, ...] = ()
    privileges: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    extension: str | None = None

    @property
    def empty(self) -> bool:
        """Whether it surely holds no row."""
        return self.made_by_run and not self.filled and not self.bytes

    def column(self, name: str) -> Column | None:
        return next((c for c in self.columns if c.name == name), None)

    def index(self, name: str) -> Index | None:
        return next((i for i in self.indexes if i.name.name == name), None)

    def constraint(self, name: str) -> Constraint | None:
        return next((c for c in self.constraints if c.name == name), None)

    @property
    def primary_key(self) -> Constraint | None:
        return next((c for c in self.constraints if c.kind is ConstraintKind.PRIMARY_KEY), None)

    @property
    def foreign_keys(self) -> tuple[Constraint, ...]:
        return tuple(c for c in self.constraints if c.kind is ConstraintKind.FOREIGN_KEY)


@dataclass(frozen=True, slots=True)
class Sequence:
    """`last_value` is None where it was not used yet, or where our role may not read it."""

    name: QualifiedName
    type: str = "bigint"
    owned_by: tuple[QualifiedName, str] | None = None
    last_value: int | None = None
    maximum: int = 0
    minimum: int = 1
    start: int = 1
    increment: int = 1
    cache: int = 1
    cycle: bool = False
    made_by_run: bool = False
    extension: str | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """`signature` is `schema.name(argument types)` as regprocedure prints it; `volatility` immutable, stable or volatile."""

    name: QualifiedName
    signature: str
    kind: str = "function"
    volatility: str = "volatile"
    language: str = "sql"
    definition: str | None = None
    """pg_get_functiondef's text; None for aggregates and for functions of an extension."""
    extension: str | None = None


@dataclass(frozen=True, slots=True)
class Type:
    """`kind` is enum, domain, composite or range. For a domain `constraints` are (name, definition, validated) and `base` its
    type, for a range `base` is its subtype; `attributes` of a composite are (name, type)."""

    name: QualifiedName
    kind: str
    labels: tuple[str, ...] = ()
    base: str | None = None
    not_null: bool = False
    default: str | None = None
    constraints: tuple[tuple[str, str, bool], ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    extension: str | None = None


@dataclass(frozen=True, slots=True)
class Publication:
    name: str
    all_tables: bool
    schemas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalog:
    """What stands in one database, in one snapshot. `search_path` are the schemas in which unqualified names are
    looked up, pg_catalog left out; `replicas` are the names of connected standbys, `slots` of logical slots (where our
    role may see them); `settings` the server's settings that planning needs (TimeZone, synchronous_standby_names ...).
    All values of `settings` are as SHOW prints them.
    `known` is False for a catalog that was not read from a database: then absence proves nothing."""

    version: ServerVersion
    search_path: tuple[str, ...] = ("public",)
    role: str = ""
    superuser: bool = False
    database: str = ""
    schemas: frozenset[str] = frozenset({"public"})
    tables: Mapping[QualifiedName, Table] = field(default_factory=dict)
    sequences: Mapping[QualifiedName, Sequence] = field(default_factory=dict)
    functions: tuple[Function, ...] = ()
    types: Mapping[QualifiedName, Type] = field(default_factory=dict)
    extensions: frozenset[str] = frozenset()
    publications: tuple[Publication, ...] = ()
    replicas: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()
    event_triggers: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    known: bool = True

    def resolve(self, schema: str | None, name: str) -> QualifiedName:
        """The relation that a name in SQL means: the first in the search path that exists, else where it would be made. Temporary
        tables of the file are in `pg_temp`, which comes first."""
        if schema is not None:
            return QualifiedName(schema, name)
        for candidate in ("pg_temp", *self.search_path) if "pg_temp" in self.schemas else self.search_path:
            found = QualifiedName(candidate, name)
            if found in self.tables or found in self.sequences or self.index(found):
                return found
        return QualifiedName(self.creation_schema, name)

    @property
    def creation_schema(self) -> str:
        return next((s for s in self.search_path if s in self.schemas), self.search_path[0] if self.search_path else "public")

    def table(self, name: QualifiedName) -> Table | None:
        return self.tables.get(name)

    def type_named(self, schema: str | None, name: str) -> Type | None:
        """The user's type that a name in SQL means, the first in the search path; None for PostgreSQL's own and where it is not known."""
        found = (self.types.get(QualifiedName(candidate, name)) for candidate in ((schema,) if schema else self.search_path))
        return next((t for t in found if t is not None), None)

    def index(self, name: QualifiedName) -> Index | None:
        return lookup(self.tables).indexes.get(name)

    def indexes(self) -> Iterator[Index]:
        for table in self.tables.values():
            yield from table.indexes

    def foreign_keys_to(self, name: QualifiedName) -> tuple[Constraint, ...]:
        """The foreign keys of all tables that reference this one."""
        found = lookup(self.tables)
        tables = found.ordered(found.referencing.get(name, frozenset()))
        return tuple(c for t in tables for c in t.foreign_keys if c.references == name)

    def views_on(self, name: QualifiedName) -> tuple[Table, ...]:
        found = lookup(self.tables)
        return tuple(found.ordered(found.reading.get(name, frozenset())))

    def has_constraint(self, schema: str, name: str) -> bool:
        """Whether a table of the schema has a constraint of this name, or a domain of it."""
        if lookup(self.tables).constraints.get((schema, name), 0) > 0:
            return True
        return any(name == c[0] for t in self.types.values() if t.name.schema == schema for c in t.constraints)

    @property
    def is_empty(self) -> bool:
        """Whether it holds nothing of a user's: no table, sequence, function or type, those of extensions aside."""
        owners = (
            *(t.extension for t in self.tables.values()),
            *(s.extension for s in self.sequences.values()),
            *(f.extension for f in self.functions),
            *(t.extension for t in self.types.values()),
        )
        return None not in owners

    def with_new(self, names: frozenset[QualifiedName]) -> "Catalog":
        """The catalog in which these tables were made by this run: nobody else uses them yet."""
        return replace(self, tables={n: replace(t, made_by_run=True) if n in names else t for n, t in self.tables.items()})

    def with_table(self, table: Table) -> "Catalog":
        return replace(self, tables={**self.tables, table.name: table})
