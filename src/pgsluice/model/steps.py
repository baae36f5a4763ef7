"""Steps: what execution does, one after the other. Made by analysis, reviewed by people, saved as JSON."""

from dataclasses import dataclass
from enum import StrEnum

from pgsluice.model.postgres.identifiers import QualifiedName, quote
from pgsluice.model.postgres.locks import LockMode


class StepKind(StrEnum):
    """How execution carries a step out; each kind has one handler in `execution/engine/handlers`."""

    STRIKE = "strike"
    """Brief, one transaction, takes a lock that blocks the application: watched for, then struck inside the stall budget."""
    TRANSACTION = "transaction"
    """One transaction whose locks block no application query on tables that were there before: VALIDATE, CREATE TABLE ..."""
    BUILD_INDEX = "build_index"
    """CREATE INDEX CONCURRENTLY of `subject`."""
    DROP_INDEX = "drop_index"
    """DROP INDEX CONCURRENTLY of `subject`."""
    REINDEX = "reindex"
    """REINDEX ... CONCURRENTLY; `subject` is the index or the table."""
    DETACH = "detach"
    """DETACH PARTITION ... CONCURRENTLY of `subject`."""
    BACKFILL = "backfill"
    """Batched update described by `fill`; `sql` is the same change as one statement, for people to read."""
    OUTSIDE = "outside"
    """Any other statement that cannot run inside a transaction (VACUUM, ALTER SYSTEM ...)."""


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that a step takes on a relation that exists before it: `relation` is quoted and schema-qualified."""

    relation: str
    mode: LockMode


@dataclass(frozen=True, slots=True)
class Source:
    """The statement that a step comes from; line counts from 1."""

    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Preflight:
    """A query that is run before anything changes: it must return one row with the one value `expect` (as text);
    if it does not, the migration is refused with `message`, in which `{value}` stands for what came back, and the first rows of
    the query `examples` ('' without one) are shown."""

    sql: str
    expect: str
    message: str
    examples: str = ""


@dataclass(frozen=True, slots=True)
class Copy:
    """Rows that are written elsewhere: `head` is INSERT INTO ... SELECT with its list, `tail` what follows the query's condition; `into` is
    the table (quoted, qualified)."""

    into: str
    head: str
    tail: str = ""


@dataclass(frozen=True, slots=True)
class Fill:
    """One batched change: SET column = expression, or without assignments DELETE, for rows of `table` (quoted, qualified) for which
    `where` holds; or with `copy` an INSERT of what is computed from each of them, always by key. `alias` is what the expressions may call
    the table, '' its own name; `only`: without its children.

    Without `key` it goes by pages, and whole passes are repeated until one finds nothing: `where` must be false for a row once
    it is changed. With `key`, the columns of a unique index, none of them NULL, it goes in their order and meets each row once:
    right for what must not be done twice, as long as nobody changes keys meanwhile."""

    table: str
    assignments: tuple[tuple[str, str], ...]
    where: str
    key: tuple[str, ...] = ()
    alias: str = ""
    only: bool = False
    copy: Copy | None = None

    @property
    def deletes(self) -> bool:
        return not self.assignments and self.copy is None

    @property
    def written(self) -> str:
        """The table whose rows are changed or made."""
        return self.table if self.copy is None else self.copy.into


@dataclass(frozen=True, slots=True)
class Undo:
    """How to take a finished step back. `sql` empty: nothing to do. `loses` are queries, each returning one count
    of rows that would be lost and named by its text key: the user is asked before any count above 0 is destroyed.
    `first` are carried out before it, in order, each in a way that may be repeated; `if_kept` in the same way take away what `first` has
    left where the step is to stand after all (a way back that was broken off, and then forward). `again` are the ids of earlier steps whose
    work goes with it: going forward they are to be done again."""

    kind: StepKind
    sql: str
    locks: tuple[Lock, ...] = ()
    subject: str | None = None
    loses: tuple[tuple[str, str], ...] = ()
    first: tuple["Undo", ...] = ()
    if_kept: tuple["Undo", ...] = ()
    again: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OldName:
    """What only the old release names: `what` is a word for it (table, view, column, function ...), `schema` and `name` are those of the
    relation or function as the catalog stores them, `column` is '' for the whole of it. `written`: both releases may read the column,
    and only the old one writes it alone."""

    what: str
    schema: str
    name: str
    column: str = ""
    written: bool = False

    def __str__(self) -> str:
        whole = str(QualifiedName(self.schema, self.name))
        return f"{self.what} {quote(self.column)} of {whole}" if self.column else f"{self.what} {whole}"


@dataclass(frozen=True, slots=True)
class Step:
    """`id` is unique in its migration. `sql` is what runs (several statements are joined with ';' and run as one).
    `session` are SET statements of the file that hold for it. `done_when` is a query that returns one boolean,
    True when the catalog shows the step as done; None where only the journal can tell.
    `undo` None: it cannot be undone. `subject` is the quoted qualified index or table of an index step, or the partition.
    `may_exceed_budget`: the user allowed, by name, that its work holds its lock for longer than the stall budget; getting
    the lock is bounded all the same. `gone`: what nobody may name any more once it has run."""

    id: str
    kind: StepKind
    sql: str
    locks: tuple[Lock, ...]
    reason: str
    source: Source
    hazard: str | None = None
    session: str = ""
    preflight: tuple[Preflight, ...] = ()
    done_when: str | None = None
    undo: Undo | None = None
    releases_notice: str | None = None
    estimate: str | None = None
    subject: str | None = None
    fill: Fill | None = None
    may_exceed_budget: bool = False
    gone: tuple[OldName, ...] = ()

    @property
    def transaction(self) -> bool:
        """Whether it runs as one transaction together with its journal row."""
        return self.kind in (StepKind.STRIKE, StepKind.TRANSACTION)
