"""What a column has that a twin could not, or that would keep it from being filled."""

from collections.abc import Iterator

from pgsluice.analysis.twins.domains import domains, domains_of
from pgsluice.analysis.twins.partitions import no_twin_in_partitions
from pgsluice.analysis.twins.sync import function_names
from pgsluice.analysis.twins.triggers import no_filling
from pgsluice.analysis.twins.twin import Twin
from pgsluice.model.catalog import ConstraintKind, TableKind
from pgsluice.model.postgres.identifiers import quote


def obstacles(twin: Twin) -> Iterator[str]:
    """Why there can be no twin of the column, each as a sentence that names the object."""
    if twin.table.kind is TableKind.PARTITIONED:
        yield from no_twin_in_partitions(twin)
    else:
        yield from no_filling(twin.table)
    if twin.column.generated:
        yield f"{twin.name} is a generated column"
    yield from _of_constraints(twin)
    yield from _of_type(twin)
    there = [n for n in (twin.new, twin.old) if n != twin.column.name and twin.table.column(n)] or [
        f.name.name for f in twin.catalog.functions if f.name in function_names(twin)
    ]
    if there == [twin.to]:
        yield f"{twin.table.name} has a column {quote(twin.new)} already"
    elif there:
        yield f"{there[0]} of an earlier change of {twin.name} still stands: contract that migration first, or roll it back"


def _of_constraints(twin: Twin) -> Iterator[str]:
    table, column = twin.table, twin.column
    for constraint in table.constraints:
        index = table.index(constraint.index.name) if constraint.index else None
        read = {*constraint.columns, *(index.columns if index else ())}
        if column.name in read and constraint.kind is ConstraintKind.EXCLUSION:
            yield f"the exclusion constraint {quote(constraint.name)} cannot be built while writes go on"
    keys = (*table.constraints, *twin.catalog.foreign_keys_to(table.name))
    temporal = [quote(c.name) for c in keys if "WITHOUT OVERLAPS" in c.definition or "PERIOD" in c.definition]
    if temporal:
        yield f"the temporal key {temporal[0]} cannot be built while writes go on"
    if any(i.replica_identity and column.name in i.columns for t in twin.tables for i in t.indexes):
        yield f"{twin.name} is in the index that is the table's replica identity"


def _of_type(twin: Twin) -> Iterator[str]:
    for domain in domains(twin.catalog, *twin.change.type_name):
        if domain.not_null or domain.constraints:
            yield f"{domain.name} is a domain with constraints, and adding a column of it writes the table anew"
    for domain in domains_of(twin.catalog, twin.column.type):
        if domain.not_null:
            yield f"{domain.name} is a domain that takes no NULL, and a row of the new type alone has no value of it"
