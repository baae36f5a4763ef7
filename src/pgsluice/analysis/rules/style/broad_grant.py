"""A GRANT of everything, or to everybody.

## What it does

`GRANT ALL` gives TRUNCATE, REFERENCES and TRIGGER as well; `TO PUBLIC` gives to each role that exists or is made later.

## Why it is dangerous

What is granted today is used tomorrow, and can then only be revoked from under somebody.

## The safe way

Name the rights and the role.

## When the safe way does not apply

For what everybody may read, such as a table of countries.
"""

from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.rules.rule import Context, Hazard, Rule
from pgsluice.model.finding import Category, Severity


def _match(action: Action, impact: Impact, context: Context) -> Hazard | None:
    node = action.node
    if action.statement.kind != "GrantStmt":
        return None
    public = any(g.get("RoleSpec", {}).get("roletype") == "ROLESPEC_PUBLIC" for g in node.get("grantees", ()))
    everything = not node.get("privileges")
    said = [text for text, is_so in (("every right", everything), ("to every role", public)) if is_so]
    return Hazard(f"it grants {' and '.join(said)}", None) if said else None


RULE = Rule("broad-grant", Severity.INFO, Category.STYLE, _match, optional=True, kinds=frozenset({"GRANT"}))
