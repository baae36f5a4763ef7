"""A column and its twin: the two columns of a type change, and what turns the value of the one into that of the other."""

from dataclasses import dataclass, field

from pgsluice.analysis.parsing.built_in import BUILT_IN_TYPES
from pgsluice.analysis.parsing.changes import TypeChange
from pgsluice.analysis.parsing.column_names import bare_references
from pgsluice.analysis.parsing.expressions import Expression
from pgsluice.analysis.parsing.trees import name_of, strings
from pgsluice.analysis.twins.triggers import others_fire_before, trigger_name
from pgsluice.model.catalog import Catalog, Column, Table, TableKind
from pgsluice.model.postgres.identifiers import QualifiedName, helper_name, quote
from pgsluice.model.postgres.types import INTEGER_MAXIMA, printed

_INTEGERS = tuple(INTEGER_MAXIMA)
_TIMES = ("date", "time", "interval", "money", "reg")
"""What reads or prints these depends on the settings of the session."""


class NotKeptError(Exception):
    """Something hangs on the column that would not be the same on the twin; the text names it."""


@dataclass(frozen=True, slots=True)
class RebuiltViews:
    """Views that a file drops for a change of type and makes anew behind it. `dropped` as they stand before, in the order in which they are
    dropped; `made` are the statements that make them anew, with those behind that are about them alone (GRANT, COMMENT)."""

    dropped: tuple[Table, ...] = ()
    made: tuple[str, ...] = ()


NO_VIEWS = RebuiltViews()


@dataclass(frozen=True, slots=True)
class Twin:
    """`column` of `table` and its twin of the type that `change` gives. `back` is the user's expression for the old value; None
    where the server casts it. `one_way`: the old column is left behind from the swap on, as the user has allowed. `to`: the twin is
    the column under another name, and both are written until contract; else it takes the column's name in the swap. `start` is the
    catalog before the run: what earlier statements of the file have taken from the column since needs no copy; `around` are the views that
    the file drops for the change and makes anew."""

    catalog: Catalog
    table: Table
    column: Column
    change: TypeChange
    back: str | None = None
    one_way: bool = False
    to: str | None = None
    start: Catalog | None = None
    around: RebuiltViews = NO_VIEWS
    new: str = field(init=False)
    old: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "new", self.to or self.helper("new"))
        object.__setattr__(self, "old", self.column.name if self.to else self.helper("old"))

    @property
    def name(self) -> str:
        """The column's own name, quoted."""
        return quote(self.column.name)

    @property
    def alter(self) -> str:
        return f"ALTER TABLE {self.table.name}"

    @property
    def tables(self) -> tuple[Table, ...]:
        """The table, and all below it where it is partitioned, as far as they are known."""
        return below(self.table, self.catalog)

    def helper(self, role: str) -> str:
        return helper_name(self.table.name.name, self.column.name, role)

    def routine(self, role: str) -> QualifiedName:
        """The name of a function of ours."""
        return QualifiedName(self.table.name.schema, self.helper(role))

    def trigger(self, role: str) -> str:
        """The quoted name of a trigger of ours, which fires after those of others."""
        return trigger_name(self.table.name.name, self.column.name, role)

    @property
    def type(self) -> str:
        """The new type as it may be said anywhere: qualified where it is a user's and known."""
        schema, plain = self.change.type_name
        if schema is not None or plain in BUILT_IN_TYPES:
            return self.change.type_sql
        names = (QualifiedName(s, plain) for s in self.catalog.search_path)
        found = next((n for n in names if n in self.catalog.types), None)
        return self.change.type_sql if found is None else f"{found}{'[]' if self.change.type_sql.rstrip().endswith(']') else ''}"

    @property
    def definition(self) -> str:
        """Type and collation as ADD COLUMN takes them."""
        return self.change.type_sql + (f" COLLATE {self.change.collation_sql}" if self.change.collation_sql else "")

    @property
    def using(self) -> Expression | None:
        """The user's expression, where it says more than the column."""
        using = self.change.using
        return None if using is None or _column_alone(using) == self.column.name else using

    @property
    def arguments(self) -> tuple[Column, ...]:
        """The columns that the user's expression reads."""
        read = self.using.columns if self.using else ()
        return tuple(c for c in self.table.columns if c.name in read)

    @property
    def expression(self) -> str:
        """The new value in a query on the table."""
        return f"({self.using.sql})" if self.using else self.name

    @property
    def up_body(self) -> str:
        """The user's expression over its arguments, whose names are those of the columns."""
        assert self.using is not None
        return bare_references(self.using.sql, frozenset(c.name for c in self.table.columns))

    def up(self, row: str, column: str | None = None) -> str:
        """The new value in a function of ours, from the record `row`, whose old column is called `column` by now."""
        if self.using is None:
            return f"{row}.{column or self.name}"
        given = [f"{row}.{column if column and c is self.column else quote(c.name)}" for c in self.arguments]
        return f"{self.routine('up')}({', '.join(given)})"

    def down(self, value: str) -> str:
        """The old value from the new one in a function of ours."""
        if self.back is not None:
            return f"{self.routine('down')}({value})"
        if self.always_down or not self.both_integers:
            return value
        most = INTEGER_MAXIMA[self.column.type]
        return f"CASE WHEN {value} BETWEEN {-most - 1} AND {most} THEN {value} END"

    @property
    def both_integers(self) -> bool:
        return self.column.type in _INTEGERS and self.new_type in _INTEGERS

    @property
    def new_type(self) -> str:
        """The new type as format_type prints it, as far as that is known without a server."""
        return printed(self.change.type_name[1]) if "(" not in self.change.type_sql else self.change.type_sql.lower()

    @property
    def always_down(self) -> bool:
        """Whether each value of the new type has one of the old type."""
        if self.to is not None:
            return True
        if self.back is not None or self.one_way:
            return False
        if self.both_integers:
            return _INTEGERS.index(self.new_type) <= _INTEGERS.index(self.column.type)
        return self.column.type in ("text", "character varying")

    @property
    def never_fails_down(self) -> bool:
        """Whether computing the old value raises no error."""
        return self.always_down or (self.back is None and self.both_integers)

    @property
    def foreign_names(self) -> bool:
        """Whether a function of ours names what a writer may have no right to see."""
        if self.to is not None:
            return False
        schema, plain = self.change.type_name
        plain_type = schema in (None, "pg_catalog") and plain in BUILT_IN_TYPES
        return self.using is not None or self.back is not None or not plain_type

    @property
    def by_settings(self) -> bool:
        """Whether a conversion may depend on the settings of a session, so that ours must be those of the run."""
        if self.to is not None:
            return False
        words = f"{self.column.type} {self.change.type_sql} {self.using.sql if self.using else ''} {self.back or ''}".lower()
        return any(time in words for time in _TIMES)

    @property
    def others_fire_before(self) -> bool:
        """Whether other BEFORE row triggers may change a row before ours sees it."""
        return any(others_fire_before(t) for t in self.tables)


def below(table: Table, catalog: Catalog) -> tuple[Table, ...]:
    """A table and its partitions on all levels, each before its own."""
    children = [t for name in table.children if table.kind is TableKind.PARTITIONED and (t := catalog.table(name)) is not None]
    return (table, *(t for child in children for t in below(child, catalog)))


def _column_alone(using: Expression) -> str | None:
    fields = strings(using.node.get("ColumnRef", {}).get("fields", ()))
    return name_of(fields)[1] if fields else None


def is_cast(using: Expression, column: str) -> bool:
    """Whether it is the column, or no more than casts of it."""
    node = using.node
    while cast := node.get("TypeCast"):
        node = cast.get("arg", {})
    fields = strings(node.get("ColumnRef", {}).get("fields", ()))
    return bool(fields) and fields[-1] == column
