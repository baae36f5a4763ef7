"""Who holds what: sessions that are in somebody's way."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Blocker:
    """A holder of a lock that conflicts with ours, or of an old snapshot that must end first (`relation` and `mode` are then
    empty). `pid` is None for a prepared transaction (`gid` is then set).
    Fields that the server hides from our role are None. `age_s` is the age of its transaction, or for how long we
    have seen it where the server hides that (`age_is_lower_bound`). `transaction` tells its transaction from the same
    session's next one; `idle_s` is for how long it has been idle in transaction. `unseen_s`: where the age is a lower bound,
    for how long before that we had not looked, so that its true age is at most `age_s + unseen_s`."""

    pid: int | None
    relation: str
    mode: str
    age_s: float
    age_is_lower_bound: bool = False
    user: str | None = None
    application: str | None = None
    state: str | None = None
    query: str | None = None
    gid: str | None = None
    autovacuum: bool = False
    wraparound: bool = False
    transaction: str = ""
    idle_s: float | None = None
    unseen_s: float = 0.0

    @property
    def oldest_s(self) -> float:
        """The most that its transaction's age can be."""
        return self.age_s + self.unseen_s

    def describe(self) -> str:
        """One line: who, for how long, doing what."""
        who = f"prepared transaction {self.gid!r}" if self.pid is None else f"pid {self.pid}"
        if self.autovacuum:
            who += " (autovacuum to prevent wraparound)" if self.wraparound else " (autovacuum)"
        facts = [f for f in (self.user and f"user {self.user}", self.application, self.state) if f]
        least = "at least " if self.age_is_lower_bound else ""
        holds = f", holds {self.mode} on {self.relation}" if self.relation else ""
        line = f"{who}, {', '.join(facts) + ', ' if facts else ''}{least}{self.age_s:.1f} s{holds}"
        return f"{line}: {' '.join(self.query.split())[:120]}" if self.query else line
