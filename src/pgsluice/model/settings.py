"""Every option once: its flag, its environment variable, its configuration key and its documentation come from here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from pgsluice.model.errors import UsageError
from pgsluice.model.foreign_history import HISTORY_TOOLS, RECORDING_TOOLS

_STEERING = ("backfill", "pause", "resume", "throttle")
ALL_COMMANDS = ("check", "locks", "plan", "run", "contract", "rollback", "status", "import-history", "watch", "guard", *_STEERING)
_WORKING = ("run", "contract", "rollback")
_PLANNING = ("plan", "run")
_FILLING = (*_WORKING, "backfill", "resume")
_READING = ("check", "locks", "plan")

_LAID_OUT = ("check", "locks", "plan", "run", "rehearse", "import-history")

LAYOUTS = (
    "plain",
    "golang-migrate",
    "dbmate",
    "goose",
    "sqlx",
    "diesel",
    "flyway",
    "atlas",
    "prisma",
    "supabase",
    "drizzle",
    "liquibase",
)
"""The tools whose files are read; each has its module in `analysis/parsing/layouts`."""

_FORMATS: dict[str, tuple[str, ...]] = {
    "check": ("text", "json", "github", "gitlab", "sarif", "junit", "markdown"),
    "locks": ("text", "json"),
    "rules": ("text", "json"),
    "plan": ("text", "json", "sql"),
    "status": ("text", "json"),
    "rehearse": ("text", "json", "markdown"),
    "watch": ("text", "json"),
}
"""How each command can print its result."""


class OptionKind(StrEnum):
    """How an option is written: SWITCH is on or off, LIST may be given several times."""

    TEXT = "text"
    NUMBER = "number"
    FRACTION = "fraction"
    DURATION = "duration"
    SWITCH = "switch"
    LIST = "list"


_NUMBERS = (OptionKind.NUMBER, OptionKind.FRACTION, OptionKind.DURATION)


@dataclass(frozen=True, slots=True)
class Option:
    """One option. `name` is the field of Settings. `commands` take it as a flag; the variable and the key may stand
    there for the others, too. `separator` stands between the entries of a list in its variable."""

    name: str
    help: str
    kind: OptionKind
    default: Any
    commands: tuple[str, ...]
    choices: tuple[Any, ...] = ()
    short: str | None = None
    placeholder: str | None = None
    separator: str = ","
    spelled: str | None = None
    """The flag's name, where the key is a longer one: other commands have another option of that name."""
    narrowed: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """By command the choices that it has, where that are not all."""

    def choices_of(self, command: str) -> tuple[Any, ...]:
        """The values that may be given for a command; () where they are not listed."""
        return self.narrowed.get(command, self.choices)

    @property
    def key(self) -> str:
        """The key in pgsluice.toml and [tool.pgsluice]."""
        return self.name.rstrip("_").replace("_", "-")

    @property
    def flag(self) -> str:
        return f"--{self.spelled or self.key}"

    @property
    def variable(self) -> str:
        return f"PGSLUICE_{self.name.rstrip('_').upper()}"

    def from_text(self, text: str, where: str) -> Any:
        """The value that a flag or a variable gives as text; raises UsageError `bad-option`."""
        if self.kind is OptionKind.LIST:
            return tuple(part.strip() for part in text.split(self.separator) if part.strip())
        readers: dict[OptionKind, Callable[[str], Any]] = {
            OptionKind.NUMBER: int,
            OptionKind.FRACTION: _fraction,
            OptionKind.DURATION: duration_s,
            OptionKind.SWITCH: _switch,
        }
        try:
            value = readers.get(self.kind, str)(text)
        except ValueError:
            raise self._bad(text, where) from None
        return self._chosen(value, where)

    def from_value(self, value: Any, where: str) -> Any:
        """The value that a configuration file gives, already of a type; raises UsageError `bad-option`."""
        if self.kind is OptionKind.LIST:
            entries = value if isinstance(value, list) else [value]
            if all(isinstance(entry, str) for entry in entries):
                return tuple(entries)
        elif isinstance(value, str) and self.kind is not OptionKind.SWITCH:
            return self.from_text(value, where)
        elif isinstance(value, bool) and self.kind is OptionKind.SWITCH:
            return value
        elif isinstance(value, int | float) and not isinstance(value, bool) and self.kind in _NUMBERS:
            return self.from_text(str(value), where)
        raise self._bad(value, where)

    def _chosen(self, value: Any, where: str) -> Any:
        if self.choices and value not in self.choices:
            raise self._bad(value, where)
        return value

    def _bad(self, value: Any, where: str) -> UsageError:
        return UsageError("bad-option", f"{self.key} cannot be {value!r}", where=where, next=f"give {self.expected}")

    @property
    def expected(self) -> str:
        """What may be given, in words."""
        if self.choices:
            return f"one of {', '.join(map(str, self.choices))}"
        return {
            OptionKind.TEXT: "text",
            OptionKind.NUMBER: "a whole number",
            OptionKind.FRACTION: "a number above 0 such as 0.01",
            OptionKind.DURATION: "a duration above 0 such as 100ms, 2s, 10min or 1h",
            OptionKind.SWITCH: "true or false",
            OptionKind.LIST: "one or more texts",
        }[self.kind]


def duration_s(text: str) -> float:
    """Seconds, above 0, from '100ms', '2s', '10min', '1h' or a plain number of seconds; raises ValueError."""
    units = {"ms": 0.001, "min": 60.0, "s": 1.0, "h": 3600.0}
    unit = next((u for u in units if text.endswith(u)), "")
    seconds = float(text.removesuffix(unit)) * units.get(unit, 1.0)
    if not 0 < seconds < float("inf"):
        raise ValueError(text)
    return seconds


def _fraction(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError(text)
    return value


def _switch(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False, "": False}
    if text.strip().lower() not in words:
        raise ValueError(text)
    return words[text.strip().lower()]


def _option(default: Any, help: str, kind: OptionKind = OptionKind.TEXT, commands: tuple[str, ...] = ALL_COMMANDS, **more: Any) -> Any:
    """A field of Settings; `more` are fields of Option."""
    return field(default=default, metadata={"help": help, "kind": kind, "default": default, "commands": commands, **more})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a user may set. Durations are in seconds."""

    database: str | None = _option(
        None, "where to connect: a URL or a key=value string (default: DATABASE_URL, then libpq's variables and files)", placeholder="DSN"
    )
    schema: str | None = _option(
        None, "without a database: the DDL of what was there before", commands=(*_READING, "rehearse"), placeholder="FILE"
    )
    pg_version: int | None = _option(
        None,
        "without a database: the server's major version",
        OptionKind.NUMBER,
        commands=_READING,
        choices=(14, 15, 16, 17, 18),
    )
    layout: str | None = _option(
        None,
        "whose layout the files have (default: what they look like)",
        commands=_LAID_OUT,
        choices=LAYOUTS,
    )
    format: str = _option(
        "text",
        "how to print the result",
        commands=tuple(_FORMATS),
        choices=tuple(dict.fromkeys(name for names in _FORMATS.values() for name in names)),
        narrowed=_FORMATS,
    )
    fail_on: str = _option(
        "error", "the least severity of a finding that ends in exit code 1", commands=("check",), choices=("error", "warning", "never")
    )
    baseline: str | None = _option(
        None, "say nothing of what an earlier `check --format json` wrote to this file", commands=("check",), placeholder="FILE"
    )
    since: str | None = _option(None, "only files that have changed since this commit", commands=("check",), placeholder="GIT_REF")
    output: str | None = _option(
        None, "write the plan to a file, as JSON unless --format says otherwise", commands=("plan",), short="-o", placeholder="FILE"
    )
    through: str = _option("migrate", "the last phase to run", commands=("run",), choices=("expand", "migrate", "contract"))
    start_after: str | None = _option(
        None,
        "take migrations up to and including this one as applied already",
        commands=(*_PLANNING, "rehearse"),
        placeholder="NAME",
    )
    from_start: bool = _option(
        False, "none of the migrations has run yet, although the database is not empty", OptionKind.SWITCH, _PLANNING
    )
    history_of: str | None = _option(
        None,
        "whose history to take over (default: that of the tool that has a table in the database)",
        commands=("import-history",),
        choices=HISTORY_TOOLS,
    )
    record_as: str | None = _option(None, "record what is done in this tool's own table, too", commands=_WORKING, choices=RECORDING_TOOLS)
    stall_budget: float = _option(
        0.100,
        "the most that any application query may wait because of a step",
        OptionKind.DURATION,
        (*_FILLING, "check", "plan", "rehearse", "guard"),
    )
    patience: float = _option(
        600.0,
        "how long a step looks for a gap, or a guarded command is tried again, before it gives up",
        OptionKind.DURATION,
        (*_FILLING, "rehearse", "guard"),
    )
    pace: str = _option(
        "normal",
        "how much of the server backfills and builds of indexes take",
        commands=(*_FILLING, "throttle"),
        choices=("gentle", "normal", "full"),
    )
    workers: int = _option(1, "how many sessions a backfill by pages works in", OptionKind.NUMBER, _FILLING)
    max_lag: float = _option(10.0, "a backfill holds while what a standby shows is older than this", OptionKind.DURATION, _FILLING)
    max_wal_rate: int | None = _option(
        None, "a backfill slows down while the server writes more MB of WAL a second", OptionKind.NUMBER, _FILLING
    )
    max_active: int | None = _option(None, "a backfill slows down while more sessions of others are active", OptionKind.NUMBER, _FILLING)
    hold_while: str | None = _option(None, "a backfill holds while this query returns true", commands=_FILLING, placeholder="SQL")
    during: str | None = _option(
        None, "a backfill works only then, by the server's clock, such as 22:00-06:00", commands=_FILLING, placeholder="HH:MM-HH:MM"
    )
    treat_as_large: bool = _option(False, "plan as if every table were large", OptionKind.SWITCH, ("check", *_PLANNING))
    allow: tuple[str, ...] = _option(
        (),
        "go ahead in spite of this rule, for all statements (repeatable)",
        OptionKind.LIST,
        ("check", *_PLANNING, "rehearse"),
        placeholder="RULE",
    )
    enable: tuple[str, ...] = _option(
        (),
        "look for this, too: a rule that is off by default, a pattern, or the category `style` (repeatable)",
        OptionKind.LIST,
        ("check",),
        placeholder="RULE",
    )
    subscribers_ready: bool = _option(
        False, "the SQL that must run on the subscribers first has been run there", OptionKind.SWITCH, _WORKING
    )
    standby: tuple[str, ...] = _option(
        (), "watch this hot standby as well (repeatable)", OptionKind.LIST, (*_WORKING, "watch"), placeholder="DSN", separator=";"
    )
    cancel_idle: float | None = _option(
        None, "end blockers that are idle in transaction for longer than this (default: end nobody)", OptionKind.DURATION, _WORKING
    )
    dry_run: bool = _option(False, "say what would be done, and do nothing", OptionKind.SWITCH, ("run", "import-history", "guard"))
    check: bool = _option(False, "exit with 1 where work is pending or something is left over", OptionKind.SWITCH, ("status",))
    from_: str | None = _option(
        None, "rehearse on the schema of this database; its rows are not read", commands=("rehearse",), placeholder="DSN"
    )
    server: str | None = _option(
        None, "rehearse on this server, in databases made for it, instead of one of our own", commands=("rehearse",), placeholder="DSN"
    )
    bindir: str | None = _option(
        None, "rehearse on a server of this installation: the directory of initdb and postgres", commands=("rehearse",), placeholder="DIR"
    )
    rehearse_standby: bool = _option(
        False,
        "with a streaming standby beside the server: how far it lags, and what its readers feel",
        OptionKind.SWITCH,
        ("rehearse",),
        spelled="standby",
    )
    rows: int = _option(10_000, "made-up rows for each table; 0: only those that --schema brings", OptionKind.NUMBER, ("rehearse",))
    scale: float | None = _option(
        None,
        "this part of the live sizes instead, such as 0.01, where --from (or statistics in --schema) tells them",
        OptionKind.FRACTION,
        ("rehearse",),
    )
    seed: int = _option(1, "draws the same rows and the same load again", OptionKind.NUMBER, ("rehearse",))
    rate: int | None = _option(None, "requests a second (default: a fifth of what the server can do)", OptionKind.NUMBER, ("rehearse",))
    load: str | None = _option(
        None,
        "a folder of pgbench scripts, NAME@WEIGHT.sql, instead of a load made from the schema",
        commands=("rehearse",),
        placeholder="DIR",
    )
    weight: tuple[str, ...] = _option(
        (),
        "how often a load made from the schema does one thing (repeatable): reads (5), updates (2), ranges, joins, inserts (1)",
        OptionKind.LIST,
        ("rehearse",),
        placeholder="KIND=N",
    )
    kill: int = _option(0, "kill the runner so many times at random instants, and go on", OptionKind.NUMBER, ("rehearse",))
    max_stall: float | None = _option(
        None,
        "fail where a request waited for longer than this above the quiet baseline (default: the stall budget)",
        OptionKind.DURATION,
        ("rehearse",),
    )
    max_errors: int = _option(
        0, "fail where more requests than this failed that would not have without the migration", OptionKind.NUMBER, ("rehearse",)
    )
    html: str | None = _option(None, "write a page with charts to this file", commands=("rehearse", "demo"), placeholder="FILE")
    once: bool = _option(False, "look once, print it and end", OptionKind.SWITCH, ("watch",))
    interval: float = _option(1.0, "the time between two looks", OptionKind.DURATION, ("watch",))
    record: str | None = _option(
        None, "append each look to this file, as a line of JSON, for --replay", commands=("watch",), placeholder="FILE"
    )
    replay: str | None = _option(None, "show what --record wrote to this file instead of a server", commands=("watch",), placeholder="FILE")
    allow_kill: bool = _option(False, "let the key K end sessions, each after its pid was typed", OptionKind.SWITCH, ("watch",))
    web: bool = _option(False, "show the same as a page that updates itself", OptionKind.SWITCH, ("watch",))
    listen: str = _option("127.0.0.1:8410", "where the page is served", commands=("watch",), placeholder="HOST:PORT")
    control: bool = _option(
        False,
        "let the page cancel statements and steer backfills, with the token in the address that is printed",
        OptionKind.SWITCH,
        ("watch",),
    )
    all: bool = _option(False, "guard all DDL of the database, whoever runs it, until stopped", OptionKind.SWITCH, ("guard",))
    retry: bool = _option(
        False, "run the command again where it was stopped, once those are gone that were in the way", OptionKind.SWITCH, ("guard",)
    )
    max_waiting: int = _option(20, "cancel also when more sessions than this wait behind a DDL", OptionKind.NUMBER, ("guard",))
    webhook: str | None = _option(None, "send each event as JSON to this address", commands=("guard",), placeholder="URL")
    exec: str | None = _option(
        None, "run this (by the shell) for each event, with the event as JSON on its input", commands=("guard",), placeholder="PROGRAM"
    )
    metrics: str | None = _option(None, "serve Prometheus metrics at this address", commands=("guard",), placeholder="HOST:PORT")
    old_application: tuple[str, ...] = _option(
        (),
        "refuse to contract while sessions of this application_name are connected; may be a pattern such as 'web-1.*' (repeatable)",
        OptionKind.LIST,
        ("contract",),
        placeholder="NAME",
    )
    look_for: float = _option(3.0, "how long to look whether statements of the old release still run", OptionKind.DURATION, ("contract",))
    anyway: bool = _option(False, "contract although the old shape seems to be in use", OptionKind.SWITCH, ("contract",))
    yes: bool = _option(False, "ask no questions", OptionKind.SWITCH, _WORKING)
    quiet: bool = _option(False, "print results and errors only", OptionKind.SWITCH, (*ALL_COMMANDS, "rehearse", "demo"), short="-q")
    verbose: bool = _option(False, "say more", OptionKind.SWITCH, (*ALL_COMMANDS, "rehearse", "demo"), short="-v")


def options() -> tuple[Option, ...]:
    """All options, in the order in which they are shown."""
    return tuple(Option(f.name, **f.metadata) for f in fields(Settings))
