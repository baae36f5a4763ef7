"""From what the user gave to what is rehearsed: which migrations, on which schema, with which focus."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from pgsluice.analysis.parsing.mentions import mentioned_relations
from pgsluice.analysis.parsing.migrations import Migration, read_migration, read_migrations
from pgsluice.execution.engine.history import adopted
from pgsluice.model.catalog import Catalog, Column
from pgsluice.model.errors import ConnectionFailedError, InputError, UsageError
from pgsluice.model.postgres.identifiers import QualifiedName, literal
from pgsluice.model.progress import MigrationFile
from pgsluice.model.settings import Settings
from pgsluice.rehearsal.load.definition import RequestKind
from pgsluice.rehearsal.load.scripts import read_load_folder
from pgsluice.rehearsal.load.weights import USUAL_WEIGHTS, Weights, weights_of
from pgsluice.rehearsal.place import Place
from pgsluice.rehearsal.schema.live import live_schema

_CUSTOM_FORMAT = b"PGDMP"
"""What pg_dump --format=custom begins with."""

Pending = Callable[[Sequence[Migration]], Sequence[Migration]]
"""Of migrations those that have not run on the live database."""
Schema = Callable[[Place], Migration]


@dataclass(frozen=True, slots=True)
class Orders:
    """What is to be rehearsed, on what. `before` lays out the schema, after `schema` (DDL that is given or read from a live
    database). `rows` for each table (0: those that the schema brings), or the part `scale` of what statistics say of `live` (a
    connection string), or of `schema`. `focus` are the relations that the migrations touch. `requests` None: what `live` was asked
    most, else derived from the schema by `weights`; `rate` None: a fifth of the capacity."""

    migrations: tuple[Migration, ...]
    before: tuple[Migration, ...]
    focus: Callable[[Catalog], frozenset[QualifiedName]]
    schema: Schema | None = None
    rows: int = 10_000
    scale: float | None = None
    seed: int = 1
    rate: float | None = None
    requests: tuple[RequestKind, ...] | None = None
    live: str | None = None
    server: str | None = None
    bindir: str | None = None
    standby: bool = False
    weights: Weights = USUAL_WEIGHTS

    @property
    def fills(self) -> bool:
        """Whether rows are made."""
        return bool(self.rows) or self.scale is not None


def orders_of(given: tuple[Migration, ...], paths: Sequence[str | Path], settings: Settings, pending: Pending) -> tuple[Orders, str | None]:
    """What is to be rehearsed, and the name of the last of the given migrations that is laid out before, None without one.

    Raises InputError, and UsageError `unknown-migration` and `scale-without-sizes`."""
    if settings.scale is not None and settings.schema is None and settings.from_ is None:
        what = "there are no live sizes to scale"
        raise UsageError("scale-without-sizes", what, where="--scale", next="give --from, or --rows")
    before, migrations = _split(given, paths, settings, pending)
    names = {migration.name for migration in given}
    last = next((m.name for m in reversed(before) if m.name in names), None)
    orders = Orders(
        migrations,
        () if settings.schema or settings.from_ else before,
        lambda catalog: _touched(migrations, catalog),
        _schema(settings),
        settings.rows,
        settings.scale,
        settings.seed,
        settings.rate,
        read_load_folder(Path(settings.load)) if settings.load else None,
        settings.from_,
        settings.server,
        settings.bindir,
        settings.rehearse_standby,
        weights_of(settings.weight),
    )
    return orders, last


def _split(
    given: tuple[Migration, ...], paths: Sequence[str | Path], settings: Settings, pending: Pending
) -> tuple[tuple[Migration, ...], tuple[Migration, ...]]:
    """The migrations that are laid out first, and those that are rehearsed."""
    if settings.start_after is not None:
        count = len(adopted([MigrationFile(m.name, m.checksum, m.path) for m in given], settings.start_after))
        return given[:count], given[count:]
    if settings.from_ is not None:
        fresh = {migration.name for migration in pending(given)}
        return tuple(m for m in given if m.name not in fresh), tuple(m for m in given if m.name in fresh)
    if settings.schema is not None:
        return (), given
    if any(Path(path).is_dir() for path in paths):
        return given[:-1], given[-1:]
    names = {migration.name for migration in given}
    beside = read_migrations([Path(given[0].path).parent], settings.layout)
    first = next((number for number, migration in enumerate(beside) if migration.name in names), 0)
    return beside[:first], given


def _schema(settings: Settings) -> Schema | None:
    if settings.schema is not None:
        text = _dump(Path(settings.schema))
        return lambda place: text
    live = settings.from_
    return None if live is None else lambda place: _live(live, place)


def _dump(path: Path) -> Migration:
    if path.is_file() and path.read_bytes().startswith(_CUSTOM_FORMAT):
        what = f"{path} is a dump in pg_dump's own format, and not SQL"
        raise InputError("dump-not-sql", what, where="--schema", next=f"pg_restore --schema-only --file schema.sql {path}")
    return read_migration(path)


def _live(dsn: str, place: Place) -> Migration:
    if place.installation is None:
        what = "there is no pg_dump to read the schema with"
        raise ConnectionFailedError("schema-not-read", what, where="--from", next="pip install 'pgsluice[rehearse]', or give --schema FILE")
    return live_schema(dsn, place.installation)


def _touched(migrations: Sequence[Migration], catalog: Catalog) -> frozenset[QualifiedName]:
    """The tables of a catalog that the migrations mention, and those that take numbers from a sequence that they mention."""
    statements = (s for migration in migrations for s in migration.statements if s.problem is None)
    names = {catalog.resolve(*name) for statement in statements for name in mentioned_relations(statement)}
    numbered = (
        t.name for t in catalog.tables.values() if any(_draws_from(column, names & catalog.sequences.keys()) for column in t.columns)
    )
    return frozenset(name for name in names if catalog.table(name) is not None) | frozenset(numbered)


def _draws_from(column: Column, sequences: Collection[QualifiedName]) -> bool:
    return column.sequence in sequences or any(f"nextval({literal(str(name))}" in (column.default or "") for name in sequences)
