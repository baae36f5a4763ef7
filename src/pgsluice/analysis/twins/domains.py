"""Domains among the types of a column and its twin: their defaults and constraints are the column's, too."""

from collections.abc import Iterator

from pgsluice.model.catalog import Catalog, Type
from pgsluice.model.postgres.identifiers import quote


def domains(catalog: Catalog, schema: str | None, name: str) -> Iterator[Type]:
    """The domain of this name, and those that it is made of; nothing for another type."""
    found = catalog.type_named(schema, name)
    while found is not None and found.kind == "domain":
        yield found
        found = _printed(catalog, found.base or "")


def domains_of(catalog: Catalog, type_: str) -> Iterator[Type]:
    """Those of a type as the server prints it."""
    found = _printed(catalog, type_)
    return domains(catalog, found.name.schema, found.name.name) if found is not None else iter(())


def domain_default(catalog: Catalog, type_: str) -> str | None:
    """The default that a column of this type has without one of its own."""
    return next((d.default for d in domains_of(catalog, type_) if d.default is not None), None)


def _printed(catalog: Catalog, type_: str) -> Type | None:
    return next((t for n, t in catalog.types.items() if type_ in (str(n), quote(n.name))), None)
