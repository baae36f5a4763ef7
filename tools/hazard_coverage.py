"""Which rule sees which hazard of our list, and why some have none: from `hazards.txt` beside the rules."""

from dataclasses import dataclass
from pathlib import Path

from pgsluice.analysis import rules as package

LIST = Path(package.__file__).with_name("hazards.txt")


@dataclass(frozen=True, slots=True)
class Row:
    """`rules` see the hazard; `remark` says what of it, or why there is none."""

    number: str
    hazard: str
    rules: tuple[str, ...]
    remark: str


def rows() -> tuple[Row, ...]:
    """The list, in its order; raises ValueError for a line that is no row."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return tuple(_row(line) for line in lines if line and not line.startswith("#"))


def _row(line: str) -> Row:
    parts = [part.strip() for part in line.split("|")]
    if len(parts) not in (3, 4):
        raise ValueError(f"{LIST.name}: {line}")
    number, hazard, named, *remark = parts
    return Row(number, hazard, tuple(filter(None, (n.strip() for n in named.split(",")))), remark[0] if remark else "")


def coverage_page() -> str:
    """The table in Markdown."""
    head = (
        "# Which rule sees what\n\nThe hazards that we know of, each with the rules that see it, or the reason why none does.\n"
        "H: what tools for migrations report. N: what few or none of them see."
    )
    lines = [f"| {r.number} | {r.hazard} | {', '.join(f'[{n}]({n}.md)' for n in r.rules)} | {r.remark} |" for r in rows()]
    return f"{head}\n\n| | hazard | rules | |\n| --- | --- | --- | --- |\n" + "\n".join(lines) + "\n"
