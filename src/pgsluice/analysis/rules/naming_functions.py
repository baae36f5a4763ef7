"""Functions of the database in whose text a table and its column are named: PostgreSQL does not track what bodies use."""

from pgsluice.model.catalog import Catalog
from pgsluice.model.postgres.identifiers import QualifiedName
from pgsluice.model.postgres.name_use import words_of


def functions_naming(catalog: Catalog, table: QualifiedName, column: str) -> list[str]:
    """Signatures, by name; a word that only looks like the column is taken for it."""
    texts = ((f.signature, f.definition) for f in catalog.functions)
    return sorted(signature for signature, text in texts if text is not None and words_of(text) >= {table.name, column})


def may_use(catalog: Catalog, table: QualifiedName, column: str) -> str:
    """The functions as the end of a sentence; '' where there are none."""
    found = functions_naming(catalog, table, column)
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"; {', '.join(found[:_SHOWN])}{more} may use it" if found else ""


_SHOWN = 5
