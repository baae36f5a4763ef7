"""Settings that a file makes for its session: they are repeated for each step that follows."""

from pgsluice.analysis.parsing.statement import Action

OURS = frozenset(
    {
        "lock_timeout",
        "statement_timeout",
        "idle_in_transaction_session_timeout",
        "transaction_timeout",
        "synchronous_commit",
        "application_name",
        "deadlock_timeout",
    }
)
"""Settings that a run must decide itself; a file's own are left out."""

OF_TRANSACTION = "SET TRANSACTION"
"""What begins so holds until COMMIT, and must come before any query of its transaction."""


def joined(texts: tuple[str, ...]) -> str:
    """The settings of a step: what has to come first in a transaction is first."""
    return "; ".join(sorted(texts, key=lambda text: not of_transaction(text)))


def of_transaction(text: str) -> bool:
    """Whether a remembered setting holds for one transaction only."""
    return text.startswith(OF_TRANSACTION)


def session_text(action: Action) -> str | None:
    """The SET to repeat for later steps, '' for one that is left out; None where the action is no such statement."""
    if action.kind == "RESET":
        return action.sql
    if action.kind == "SELECT" and (call := _set_config(action)) is not None:
        return "" if call in OURS else action.sql
    if action.kind == "SET TRANSACTION" and action.node.get("name") == "TRANSACTION":
        return _isolation(action)
    if action.kind != "SET":
        return None
    if action.node.get("name", "").lower() in OURS:
        return ""
    return _for_session(action)


def _isolation(action: Action) -> str:
    """The isolation level alone: our transactions write, if only the journal."""
    modes = {d["defname"]: d["arg"]["A_Const"] for d in (a["DefElem"] for a in action.node.get("args", ()))}
    level = modes.get("transaction_isolation", {}).get("sval", {}).get("sval", "")
    return f"{OF_TRANSACTION} ISOLATION LEVEL {level.upper()}" if level else ""


def _for_session(action: Action) -> str:
    """SET LOCAL as SET: it holds for the file's transaction, of which our steps are the parts."""
    words = action.sql.split(None, 2)
    return f"SET {words[2]}" if len(words) == 3 and words[1].upper() == "LOCAL" else action.sql


def _set_config(action: Action) -> str | None:
    """The setting of `SELECT set_config('name', ...)`."""
    targets = action.node.get("targetList", [])
    if len(targets) != 1 or "fromClause" in action.node:
        return None
    call = targets[0].get("ResTarget", {}).get("val", {}).get("FuncCall", {})
    names = [part.get("String", {}).get("sval") for part in call.get("funcname", ())]
    arguments = call.get("args", [])
    if not names or names[-1] != "set_config" or not arguments:
        return None
    value = arguments[0].get("A_Const", {}).get("sval", {}).get("sval")
    return str(value).lower() if value else None
