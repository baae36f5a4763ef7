"""The scene of the demo: where the shop's files are, what its application sends, and a server with the shop in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from pgsluice.execution.db.connect import connect
from pgsluice.model.errors import InputError
from pgsluice.rehearsal.load.definition import Load, SlowReader
from pgsluice.rehearsal.load.scripts import read_load_folder
from pgsluice.rehearsal.server import MEASURING_SETTINGS, ThrowawayServer

RATE = 400.0
"""Requests a second: a tenth of what the shop's load reached on 2 cores (4,000), so that a quiet baseline is quiet."""
CONNECTIONS = 20
_TEMPLATE = "shop"


@dataclass(frozen=True, slots=True)
class ShopFiles:
    """The example shop on disk. `schema` is the migration that the shop stands on; `migrations` come after it."""

    folder: Path

    @property
    def migrations_folder(self) -> Path:
        return self.folder / "migrations"

    @property
    def schema(self) -> Path:
        return self._all_migrations()[0]

    @property
    def migrations(self) -> list[Path]:
        return self._all_migrations()[1:]

    def load(self, seed: int = 1) -> Load:
        """What the shop's application sends, with one slow reader that holds transactions of 2 to 5 s."""
        report = SlowReader((self.folder / "report.sql").read_text(encoding="utf-8"))
        return Load(read_load_folder(self.folder / "load"), RATE, CONNECTIONS, (report,), seed)

    def _all_migrations(self) -> list[Path]:
        return sorted(self.migrations_folder.glob("*.sql"))


def shop_files() -> ShopFiles:
    """The shop as it was packed into the installation, or as it lies in a checkout; raises InputError."""
    package = Path(str(files("pgsluice")))
    for folder in (package / "examples" / "shop", package.parents[1] / "examples" / "shop"):
        if folder.is_dir():
            return ShopFiles(folder)
    raise InputError("examples-missing", "the example shop is not there", where=str(package), next="run the demo from a checkout")


class ShopServer:
    """A running server from which fresh copies of the shop, with its rows, can be taken."""

    def __init__(self, server: ThrowawayServer, shop: ShopFiles) -> None:
        self._server = server
        self._run("postgres", f"CREATE DATABASE {_TEMPLATE}")
        for file in (shop.schema, shop.folder / "rows.sql"):
            self._run(_TEMPLATE, file.read_text(encoding="utf-8"))
        self._run(_TEMPLATE, "VACUUM (ANALYZE)")

    @property
    def version(self) -> str:
        return self._server.installation.version()

    def copy(self, name: str) -> str:
        """The connection string of a new database with the shop in it, as it was at first."""
        self._run("postgres", f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}", "CHECKPOINT")
        return self._server.dsn(name)

    def _run(self, database: str, *statements: str) -> None:
        session = connect(self._server.dsn(database), "demo", environment={})
        try:
            for statement in statements:
                session.run(statement)
        finally:
            session.close()


@contextmanager
def shop_server(shop: ShopFiles) -> Iterator[ShopServer]:
    """A throw-away server with the shop; gone afterwards."""
    with ThrowawayServer(settings=MEASURING_SETTINGS) as server:
        yield ShopServer(server, shop)
