"""Which statements of a file must stay in one transaction, because together they guard something (ENGINE.md section 4 of the
design notes: DROP with CREATE of the same object, exchanges by rename, DISABLE with ENABLE, explicit BEGIN ... COMMIT)."""

from dataclasses import dataclass

from pgsluice.analysis.parsing.statement import Action
from pgsluice.analysis.parsing.subjects import subject
from pgsluice.analysis.parsing.trees import walk
from pgsluice.model.errors import InputError

Key = tuple[str, ...]

_ROUTINES = frozenset({"FUNCTION", "PROCEDURE", "AGGREGATE", "ROUTINE"})
_REPLACED = _ROUTINES | {"VIEW", "MATERIALIZED VIEW", "TRIGGER", "POLICY", "RULE", "TABLE", "TYPE", "DOMAIN", "SEQUENCE", "STATISTICS"}
_TEMPORARY = "a temporary table"
_WHOLE_FILE = frozenset({"LOCK", "SET CONSTRAINTS", "DECLARE", "FETCH", "CLOSE"})
_OPENING, _CLOSING = ("ALTER TABLE DISABLE", "REVOKE"), ("ALTER TABLE ENABLE", "GRANT")


@dataclass(frozen=True, slots=True)
class Span:
    """Statements `first` to `last` (counted from 0) share one transaction, because `why`. `divisible`: a directive may take it apart."""

    first: int
    last: int
    why: str
    divisible: bool = False


def spans(file: list[tuple[Action, ...]]) -> list[Span]:
    """The spans of a file, each statement given by its actions, those that overlap made one. Raises InputError for
    transaction control that is not one BEGIN with one COMMIT after another."""
    found = [*_explicit(file), *_whole(file), *_replacements(file), *_exchanges(file), *_switches(file)]
    return _merged(sorted(found, key=lambda s: s.first))


def dropped(action: Action) -> Key | None:
    """The identity of the object that an action drops, None where it drops none that can be made anew in its place."""
    return _identity(action, "DROP ")


def created(action: Action) -> Key | None:
    """The identity of the object that an action makes."""
    if action.kind in ("CREATE TABLE AS", "CREATE TABLE PARTITION OF", "SELECT INTO") and action.relation:
        return ("TABLE", action.relation[1])
    return _identity(action, "CREATE ")


def _identity(action: Action, verb: str) -> Key | None:
    noun = action.kind.removeprefix(verb)
    if noun == action.kind or noun not in _REPLACED:
        return None
    own = subject(action)
    noun = "FUNCTION" if noun in _ROUTINES else noun
    relation = action.relation[1] if action.relation else ""
    name = own[1] if own is not None else ""
    return (noun, relation, name) if noun in ("TRIGGER", "POLICY", "RULE") else (noun, relation or name)


def _explicit(file: list[tuple[Action, ...]]) -> list[Span]:
    found: list[Span] = []
    start: int | None = None
    for number, actions in enumerate(file):
        kind, statement = actions[0].kind, actions[0].statement
        if kind == "BEGIN" and start is None:
            start = number
        elif kind == "COMMIT" and start is not None:
            one = number - start < 3
            found += [] if one or _may_split(file[start : number + 1]) else [Span(start, number, "BEGIN ... COMMIT in the file", True)]
            start = None
        elif kind in ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "ROLLBACK TO", "PREPARE TRANSACTION", "COMMIT PREPARED"):
            raise InputError(
                "transaction-control",
                f"{kind} here is no part of a plain BEGIN ... COMMIT",
                where=statement.place,
                next="keep one BEGIN with one COMMIT around what belongs together, or leave both out",
            )
    if start is not None:
        raise InputError("transaction-control", "BEGIN without COMMIT", where=file[start][0].statement.place, next="add the COMMIT")
    return found


def _may_split(block: list[tuple[Action, ...]]) -> bool:
    return any(d.word == "split" for actions in block for d in actions[0].statement.directives)


def _whole(file: list[tuple[Action, ...]]) -> list[Span]:
    """The whole file, where something counts on one transaction for all of it. What a BEGIN ... COMMIT holds it holds for that
    block, but for a temporary table, which may be used behind it."""
    block = False
    for actions in file:
        block = actions[0].kind == "BEGIN" or (block and actions[0].kind != "COMMIT")
        what = next((held for action in actions if (held := _held(action))), None)
        if what is not None and not (block and what != _TEMPORARY) and not _may_split(file):
            return [Span(0, len(file) - 1, f"{what} holds for the transaction", True)]
    return []


def _held(action: Action) -> str | None:
    """What an action holds until the end of its transaction, beyond the locks of its own work."""
    if makes_temporary(action):
        return _TEMPORARY
    if action.kind == "SELECT" and "pg_advisory_xact_lock" in action.sql.lower():
        return "an advisory lock"
    return action.kind if action.kind in _WHOLE_FILE else None


def makes_temporary(action: Action) -> bool:
    """Whether it makes a temporary table or view."""
    return any(body.get("relpersistence") == "t" for _, body in walk(action.node))


def _replacements(file: list[tuple[Action, ...]]) -> list[Span]:
    gone: dict[Key, int] = {}
    found: list[Span] = []
    for number, actions in enumerate(file):
        for action in actions:
            if (made := created(action)) in gone and made is not None:
                found.append(Span(gone.pop(made), number, f"{' '.join(made)} is dropped and made anew"))
            if (lost := dropped(action)) is not None:
                gone[lost] = number
    return found


def _exchanges(file: list[tuple[Action, ...]]) -> list[Span]:
    """RENAME a TO old, then RENAME new TO a (or CREATE a)."""
    freed: dict[str, int] = {}
    found: list[Span] = []
    for number, actions in enumerate(file):
        for action in actions:
            taken = action.node.get("newname") if action.kind.endswith(" RENAME") else None
            made = created(action)
            name = taken if isinstance(taken, str) else made[-1] if made else None
            if name in freed and name is not None:
                found.append(Span(freed.pop(name), number, f"the name {name} changes hands"))
            if taken is not None:
                old = action.relation or subject(action)
                freed.update({old[1]: number} if old else {})
    return found


def _switches(file: list[tuple[Action, ...]]) -> list[Span]:
    """DISABLE TRIGGER or row security with its ENABLE, REVOKE with its GRANT, on one relation."""
    off: dict[tuple[str, object], int] = {}
    found: list[Span] = []
    for number, actions in enumerate(file):
        for action in actions:
            for opening, closing in zip(_OPENING, _CLOSING, strict=True):
                key = (opening, action.relation)
                if action.kind.startswith(opening):
                    off.setdefault(key, number)
                elif action.kind.startswith(closing) and key in off:
                    found.append(Span(off.pop(key), number, f"{action.kind} ends what {opening} began"))
    return found


def _merged(found: list[Span]) -> list[Span]:
    result: list[Span] = []
    for span in found:
        if result and span.first <= result[-1].last:
            last = result[-1]
            result[-1] = Span(last.first, max(last.last, span.last), last.why, last.divisible and span.divisible)
        else:
            result.append(span)
    return result
