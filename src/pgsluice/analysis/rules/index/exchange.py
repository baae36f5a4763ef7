"""A file that drops an index and makes its successor: the new one must be there before the old one goes."""

from collections.abc import Sequence

from pgsluice.analysis.effects.hanging import ends, of_index
from pgsluice.analysis.parsing.indexes import IndexDefinition, index_definition
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.index.definition import name_in, without_index
from pgsluice.analysis.rules.rule import Context
from pgsluice.model.catalog import Index


def dropped(action: Action, context: Context) -> Index | None:
    """The index that a DROP INDEX names, None where nothing bears the name."""
    if action.kind != "DROP INDEX" or action.relation is None:
        return None
    return context.catalog.index(context.name(action.relation))


def has_successor(index: Index, context: Context) -> bool:
    """Whether a CREATE INDEX further down replaces the index: on its table, of its name or with its first column. What the
    user has made CONCURRENTLY stays in the order that the user gave, and what has to be gone for something before that is dropped. One
    that has waited for the first of several successors waits for no other."""
    waited = any(dropped(action, context) == index for action in context.earlier)
    return not waited and _is_replaced(index, context.later, context)


def replaced_index(definition: IndexDefinition, context: Context) -> Index | None:
    """The index that an earlier DROP INDEX of the file names and that waits for this CREATE INDEX to be built."""
    for number, drop in enumerate(context.earlier):
        index = dropped(drop, context)
        if index is None or not _replaces(definition, index, context):
            continue
        if not _is_replaced(index, context.earlier[number + 1 :], context):
            return index
    return None


def _is_replaced(index: Index, actions: Sequence[Action], context: Context) -> bool:
    held = of_index(index)
    for action in actions:
        made = index_definition(action)
        if made is not None and not made.concurrent and _replaces(made, index, context):
            return True
        if ends(action) & held:
            return False
    return False


def _inherits_name(definition: IndexDefinition, index: Index, context: Context) -> bool:
    """Whether the server would give the dropped index's name to one that the file gives none."""
    return name_in(without_index(context.catalog, index), index.table, definition) == index.name.name


def _replaces(definition: IndexDefinition, index: Index, context: Context) -> bool:
    if context.name(definition.table) != index.table:
        return False
    if definition.name == index.name.name or (definition.name is None and _inherits_name(definition, index, context)):
        return True
    whole = definition.where is None and index.predicate is None
    return whole and bool(index.keys) and index.keys[0] is not None and index.keys[0] == definition.columns[0]
