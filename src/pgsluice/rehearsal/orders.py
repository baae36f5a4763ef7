"""From what the user gave to what is rehearsed: which migrations, on which schema, with which focus."""

from collections.abc import Callable, Sequence
from pathlib import Path

from pgsluice.analysis.parsing.mentions import mentioned_relations
from pgsluice.analysis.parsing.migrations import Migration, read_migration, read_migrations
from pgsluice.execution.engine.history import adopted
from pgsluice.model.catalog import Catalog
from pgsluice.model.errors import ConnectionFailedError, UsageError
from pgsluice.model.postgres.identifiers import QualifiedName
from pgsluice.model.progress import MigrationFile
from pgsluice.model.settings import Settings
from pgsluice.rehearsal.load.scripts import read_load_folder
from pgsluice.rehearsal.place import Place
from pgsluice.rehearsal.rehearse import Orders, Schema
from pgsluice.rehearsal.schema.live import live_schema

Pending = Callable[[Sequence[Migration]], Sequence[Migration]]
"""Of migrations those that have not run on the live database."""


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
        text = read_migration(Path(settings.schema))
        return lambda place: text
    live = settings.from_
    return None if live is None else lambda place: _live(live, place)


def _live(dsn: str, place: Place) -> Migration:
    if place.installation is None:
        what = "there is no pg_dump to read the schema with"
        raise ConnectionFailedError("schema-not-read", what, where="--from", next="pip install 'pgsluice[rehearse]', or give --schema FILE")
    return live_schema(dsn, place.installation)


def _touched(migrations: Sequence[Migration], catalog: Catalog) -> frozenset[QualifiedName]:
    """The tables of a catalog that the migrations mention."""
    statements = (s for migration in migrations for s in migration.statements if s.problem is None)
    names = (catalog.resolve(*name) for statement in statements for name in mentioned_relations(statement))
    return frozenset(name for name in names if catalog.table(name) is not None)
