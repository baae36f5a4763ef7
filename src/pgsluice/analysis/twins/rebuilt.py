"""Views that a file drops for a change of a column's type and makes anew behind it: they go and come in the swap."""

from collections.abc import Iterator

from pgsluice.analysis.parsing.actions import action_of
from pgsluice.analysis.twins.constraints import Exchange
from pgsluice.analysis.twins.privileges import granted_on_view
from pgsluice.analysis.twins.twin import RebuiltViews
from pgsluice.model.catalog import Table, TableKind
from pgsluice.model.postgres.identifiers import literal, quote


def not_brought_back(views: RebuiltViews, role: str) -> Iterator[str]:
    """Why the way back could not make one of them as it was."""
    for view in views.dropped:
        if view.kind is not TableKind.VIEW:
            yield f"{view.name} is a {view.kind}"
        elif view.owner not in ("", role):
            yield f"{view.name} belongs to {quote(view.owner)}, who alone may make it again on the way back"
        elif view.triggers or view.rules or any(c.comment or c.default or c.privileges for c in view.columns):
            yield f"{view.name} has triggers or rules, or columns with a default, a comment or privileges"


def gone(views: RebuiltViews) -> Iterator[Exchange]:
    """The first statements of the swap."""
    for view in views.dropped:
        yield f"DROP VIEW {view.name}", ";\n".join(_again(view))


def come(views: RebuiltViews) -> Iterator[Exchange]:
    """Its last ones."""
    for sql in views.made:
        action = action_of(sql)
        name = ".".join(quote(part) for part in action.relation or () if part)
        yield sql, f"DROP VIEW {name}" if action.kind == "CREATE VIEW" else ""


def _again(view: Table) -> Iterator[str]:
    options = f" WITH ({', '.join(view.options)})" if view.options else ""
    yield f"CREATE VIEW {view.name}{options} AS {(view.definition or '').rstrip().rstrip(';')}"
    yield from granted_on_view(view, view.name, ())
    if view.comment is not None:
        yield f"COMMENT ON VIEW {view.name} IS {literal(view.comment)}"
