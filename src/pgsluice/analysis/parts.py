"""A part of a rewrite: one statement of the safe way, before it is asked about again and becomes (part of) a step."""

from dataclasses import dataclass

from pgsluice.model.plan import PhaseName
from pgsluice.model.steps import Fill, OldName, Preflight, Undo


@dataclass(frozen=True, slots=True)
class Settled:
    """What whoever made a part knows of it, so that nobody is asked: no rule about the statement, and not the planner how it
    is taken back. `undo` is SQL, '' where nothing is to be done, None where it cannot be undone. `first` are done before the
    step is taken back, each on its own; they may be repeated. `if_kept` and `loses` as in `Undo`. `session` are SET statements for it.
    `again`: taking back the later step of the same statement that `takes` takes this one's work with it, so that it is to be done
    again. `independent`: only what names the same columns and constraints depends on it, not what is about the same table.
    `gone` as in `Step`. `early`: in its phase it comes before what the file's own statements do there.
    `regardless`: names by which nothing is tied to it. `stands_in`: it is of a view that holds a name until contract, which is left
    out where the name changes in contract only."""

    undo: str | None = ""
    first: tuple[Undo, ...] = ()
    if_kept: tuple[Undo, ...] = ()
    loses: tuple[tuple[str, str], ...] = ()
    session: str = ""
    again: bool = False
    takes: bool = False
    independent: bool = True
    gone: tuple[OldName, ...] = ()
    early: bool = False
    regardless: frozenset[str] = frozenset()
    stands_in: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a rewrite, in order. `sql` is one statement, matched against the rules again until none rewrites it, unless
    it is `settled`; with `fill` it is a batched update instead and `sql` the same as one statement. `with_next`: it must share a
    transaction with the next part; `apart`: it shares none where nothing demands it, so that its locks are not held on. `preflight` must
    hold before anything runs."""

    sql: str
    reason: str
    phase: PhaseName = PhaseName.EXPAND
    fill: Fill | None = None
    with_next: bool = False
    apart: bool = False
    preflight: tuple[Preflight, ...] = ()
    releases_notice: str | None = None
    settled: Settled | None = None
