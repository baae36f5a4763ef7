"""The catalog that is taken for what stands there where no database is at hand."""

from pathlib import Path

from pgsluice.analysis.effects.catalog import after
from pgsluice.analysis.parsing.actions import actions
from pgsluice.analysis.parsing.migrations import read_migration
from pgsluice.analysis.planner.checking import released
from pgsluice.model.catalog import Catalog
from pgsluice.model.errors import InputError
from pgsluice.model.postgres.versions import NEWEST, ServerVersion


def imagined_catalog(schema: str | None, major: int | None) -> Catalog:
    """What the DDL of the file `schema` makes on a server of that major; of other objects nothing is known. Raises InputError."""
    catalog = Catalog(ServerVersion.of_major(major or NEWEST), known=False)
    for statement in read_migration(Path(schema)).statements if schema is not None else ():
        if statement.problem is not None:
            raise InputError("syntax-error", statement.problem, where=statement.place, next="correct the statement")
        for action in actions(statement):
            catalog = after(action, catalog)
    return released(catalog)
