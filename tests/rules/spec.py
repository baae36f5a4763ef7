"""Rule specs: Markdown that a DBA can read, with SQL that is run.

# rule-name                     what the file is about; prose may stand anywhere
## A case                       one case of it
- size: small                   (tables count as large otherwise)
- servers: 15-18                (all otherwise)
- generated: public.t.id        columns whose values are arbitrary: how many there are is compared, not which
- refused                       the plan is refused
- offline                       the findings are those without a database: only what the schema makes is known
- fails: 25001                  the change fails on a server with this SQLSTATE; what a plan makes of it is not looked at
```sql schema                   what is there before
```sql change                   what the user writes; `-- finding: rule-name` on the line that a rule meets
```sql plan 14-17               the statements of the plan's steps, for these majors (all without a number);
                                without any such block the plan is the change itself
"""

import re
from dataclasses import dataclass
from pathlib import Path

from pgsluice.model.postgres.versions import MAJORS

FOLDER = Path(__file__).parent

_CASE = re.compile(r"^## ", re.MULTILINE)
_OPTION = re.compile(r"^- (size|servers|generated|refused|offline|fails)(?:: *(.*))?$", re.MULTILINE)
_BLOCK = re.compile(r"^```sql (schema|change|plan)(?: +([\d-]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FINDING = re.compile(r"-- finding: ([a-z-]+(?:, [a-z-]+)*)")


@dataclass(frozen=True, slots=True)
class Case:
    """`plans` are (majors, SQL); `findings` (line of the change, rule), lines counted from 1."""

    rule: str
    title: str
    schema: str
    change: str
    plans: tuple[tuple[tuple[int, ...], str], ...]
    majors: tuple[int, ...]
    findings: frozenset[tuple[int, str]]
    small: bool = False
    refused: bool = False
    offline: bool = False
    fails: str | None = None
    generated: tuple[str, ...] = ()

    def plan(self, major: int) -> str:
        """The statements that the plan must have, as SQL."""
        found = [sql for majors, sql in self.plans if major in majors]
        assert len(found) <= 1, f"{self.title}: two plans for {major}"
        assert found or not self.plans, f"{self.title}: no plan for {major}"
        return found[0] if found else self.change

    def __str__(self) -> str:
        return f"{self.rule}: {self.title}"


def cases() -> list[Case]:
    """Every case of every spec."""
    return [case for path in paths() for case in read(path)]


def paths() -> list[Path]:
    return sorted(FOLDER.glob("*/*.md"))


def read(path: Path) -> list[Case]:
    head, *parts = _CASE.split(path.read_text(encoding="utf-8"))
    rule = head.splitlines()[0].removeprefix("# ").strip()
    return [_case(rule, part) for part in parts]


def _case(rule: str, text: str) -> Case:
    title = text.splitlines()[0].strip()
    options: dict[str, str] = dict(_OPTION.findall(text))
    blocks = _BLOCK.findall(text)
    change = "".join(sql for kind, _, sql in blocks if kind == "change")
    assert change, f"{rule}: {title}: no change"
    return Case(
        rule,
        title,
        "".join(sql for kind, _, sql in blocks if kind == "schema"),
        change,
        tuple((_majors(span), sql) for kind, span, sql in blocks if kind == "plan"),
        _majors(options.get("servers", "")),
        _findings(change),
        small=options.get("size") == "small",
        refused="refused" in options,
        offline="offline" in options,
        fails=options.get("fails"),
        generated=tuple(filter(None, re.split(r",\s*", options.get("generated", "")))),
    )


def _majors(span: str) -> tuple[int, ...]:
    if not span:
        return MAJORS
    first, _, last = span.partition("-")
    return tuple(m for m in MAJORS if int(first) <= m <= int(last or first))


def _findings(change: str) -> frozenset[tuple[int, str]]:
    lines = enumerate(change.splitlines(), 1)
    return frozenset((n, rule) for n, line in lines for found in _FINDING.findall(line) for rule in found.split(", "))
