"""Changes to the user's own SQL by the position of its tokens, so that everything else keeps its spelling."""

from pgsluice.analysis.parsing.tokens import Token, tokens


def words(sql: str, *wanted: str, start: int = 0) -> tuple[Token, ...]:
    """The tokens outside of brackets that spell `wanted` one after the other, the first from the character `start` on;
    () where they do not occur."""
    outer = [t for t in tokens(sql) if t.depth == 0 and t.start >= start]
    for at in range(len(outer) - len(wanted) + 1):
        run = outer[at : at + len(wanted)]
        if all(token.word == word for token, word in zip(run, wanted, strict=True)):
            return tuple(run)
    return ()


def inserted(sql: str, *wanted: str, text: str) -> str:
    """The SQL with `text` as a word of its own behind the words `wanted`; raises ValueError where they do not occur."""
    found = words(sql, *wanted)
    if not found:
        raise ValueError(f"no {' '.join(wanted)} in {sql[:80]}")
    end = found[-1].end
    return f"{sql[:end]} {text}{sql[end:]}"


def without(sql: str, *wanted: str) -> str:
    """The SQL without the words `wanted`; as it is where they do not occur."""
    found = words(sql, *wanted)
    return sql if not found else sql[: found[0].start] + sql[found[-1].end :].lstrip()
