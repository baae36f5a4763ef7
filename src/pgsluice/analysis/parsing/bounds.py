"""What the bounds of a partition say of its rows, as conditions that a CHECK can have and the server takes for a proof."""

from dataclasses import dataclass

from pgsluice.analysis.parsing.clauses import between_separators, closing
from pgsluice.analysis.parsing.statement import Statement
from pgsluice.analysis.parsing.statements import parse_statement
from pgsluice.analysis.parsing.tokens import Token, tokens
from pgsluice.model.errors import InputError


@dataclass(frozen=True, slots=True)
class Bounds:
    """`inside` holds for each row of the partition, `outside` for each row that must be elsewhere."""

    inside: str
    outside: str


def partition_bounds(key: str, bound: str) -> Bounds | None:
    """`key` is as pg_get_partkeydef prints it (or as PARTITION BY has it), `bound` is FOR VALUES ...; None for hash partitions, for keys of
    several columns, and for what is no plain constant: the server would not see that such a condition proves anything.

    Source: get_qual_for_list and get_qual_for_range in src/backend/partitioning/partbounds.c, tried on servers."""
    strategy, _, rest = key.strip().partition("(")
    listed = tokens(rest.strip()[:-1]) if rest.strip().endswith(")") else ()
    if len(between_separators(listed, ",")) != 1:
        return None
    column = rest.strip()[:-1].strip()
    if not _is_expression(column):
        return None
    found = tokens(bound)
    words = [t.word for t in found]
    if strategy.strip().upper() == "LIST" and words[:3] == ["FOR", "VALUES", "IN"]:
        return _of_list(column, _values(bound, found, 3))
    if strategy.strip().upper() == "RANGE" and words[:3] == ["FOR", "VALUES", "FROM"]:
        return _of_range(column, _values(bound, found, 3), _values(bound, found, closing(found, 3) + 2))
    return None


def _is_expression(text: str) -> bool:
    """An operator class behind the key is none; of one with a collation of its own the server proves nothing."""
    collated = any(t.word == "COLLATE" for t in tokens(text))
    return not collated and _parsed(f"SELECT ({text})") is not None


def _values(text: str, found: tuple[Token, ...], opening: int) -> list[str]:
    """The texts between a pair of brackets."""
    inside = found[opening + 1 : closing(found, opening)]
    depth = found[opening].depth + 1
    shifted = tuple(Token(t.start, t.end, t.word, t.depth - depth) for t in inside)
    return [text[p[0].start : p[-1].end] for p in between_separators(shifted, ",")]


def _of_list(column: str, values: list[str]) -> Bounds | None:
    plain = [v for v in values if v.upper() != "NULL"]
    if not all(map(_constant, plain)):
        return None
    with_null = len(plain) < len(values)
    listed = ", ".join(plain)
    equal, differs = (
        (f"{column} = {listed}", f"{column} <> {listed}") if len(plain) == 1 else (f"{column} IN ({listed})", f"{column} NOT IN ({listed})")
    )
    if not plain:
        return Bounds(f"{column} IS NULL", f"{column} IS NOT NULL")
    if with_null:
        return Bounds(f"({column} IS NULL) OR ({equal})", f"({column} IS NOT NULL) AND ({differs})")
    return Bounds(f"({column} IS NOT NULL) AND ({equal})", f"({column} IS NULL) OR ({differs})")


def _of_range(column: str, low: list[str], high: list[str]) -> Bounds | None:
    if len(low) != 1 or len(high) != 1:
        return None
    inside, outside = [f"({column} IS NOT NULL)"], [f"({column} IS NULL)"]
    for value, limit, within, beyond in ((low[0], "MINVALUE", ">=", "<"), (high[0], "MAXVALUE", "<", ">=")):
        if value.upper() == limit:
            continue
        if not _constant(value):
            return None
        inside.append(f"({column} {within} {value})")
        outside.append(f"({column} {beyond} {value})")
    return Bounds(" AND ".join(inside), " OR ".join(outside))


def _constant(value: str) -> bool:
    """A literal, with a sign or a cast of its own."""
    statement = _parsed(f"SELECT {value}")
    if statement is None:
        return False
    target = statement.node["targetList"][0]["ResTarget"]["val"]
    while "TypeCast" in target:
        target = target["TypeCast"]["arg"]
    return "A_Const" in target or (
        "A_Expr" in target and "A_Const" in target["A_Expr"].get("rexpr", {}) and "lexpr" not in target["A_Expr"]
    )


def _parsed(sql: str) -> Statement | None:
    try:
        return parse_statement(sql)
    except InputError:
        return None
