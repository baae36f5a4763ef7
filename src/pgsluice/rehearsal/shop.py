"""The example shop: where its files are, and what its application sends."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from pgsluice.model.errors import InputError

RATE = 400
"""Requests a second: a tenth of what the shop's load reached on 2 cores (4,000), so that a quiet baseline is quiet."""


@dataclass(frozen=True, slots=True)
class ShopFiles:
    """The example shop on disk. `schema` is the migration that the shop stands on; `migrations` come after it."""

    folder: Path

    @property
    def migrations_folder(self) -> Path:
        return self.folder / "migrations"

    @property
    def load_folder(self) -> Path:
        return self.folder / "load"

    @property
    def schema(self) -> Path:
        return self._all_migrations()[0]

    @property
    def migrations(self) -> list[Path]:
        return self._all_migrations()[1:]

    def contents(self) -> str:
        """The SQL that makes the shop with its rows."""
        return "\n".join(file.read_text(encoding="utf-8") for file in (self.schema, self.folder / "rows.sql"))

    def _all_migrations(self) -> list[Path]:
        return sorted(self.migrations_folder.glob("*.sql"))


def shop_files() -> ShopFiles:
    """The shop as it was packed into the installation, or as it lies in a checkout; raises InputError."""
    package = Path(str(files("pgsluice")))
    for folder in (package / "examples" / "shop", package.parents[1] / "examples" / "shop"):
        if folder.is_dir():
            return ShopFiles(folder)
    raise InputError("examples-missing", "the example shop is not there", where=str(package), next="run the demo from a checkout")
