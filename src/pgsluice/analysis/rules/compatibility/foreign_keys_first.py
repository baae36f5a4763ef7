"""Foreign keys that go one at a time before what they hang on, so that the drop itself locks no other table."""

from collections.abc import Iterable, Iterator

from pgsluice.analysis.rules.rule import Context, Part
from pgsluice.model.catalog import Constraint
from pgsluice.model.plan import PhaseName
from pgsluice.model.postgres.identifiers import quote


def foreign_keys_first(keys: Iterable[Constraint], context: Context) -> Iterator[Part]:
    """DROP CONSTRAINT for each of the keys that ties two tables of which one is in use."""
    for key in keys:
        if key.references is None or key.references == key.table or key.inherited:
            continue
        if context.busy(key.table) or context.busy(key.references):
            sql = f"ALTER TABLE {key.table} DROP CONSTRAINT {quote(key.name)}"
            reason = f"locks {key.references} for itself, not while others are waited for"
            yield Part(sql, reason, PhaseName.CONTRACT, apart=True)
