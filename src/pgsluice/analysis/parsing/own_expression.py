"""An expression that stands alone, such as that of a directive."""

from pgsluice.analysis.parsing.actions import action_of
from pgsluice.analysis.parsing.expressions import Expression, expression


def expression_of(text: str) -> Expression:
    """The expression; raises InputError where the text is none."""
    return expression(text, action_of(f"SELECT {text}").node["targetList"][0]["ResTarget"]["val"])
