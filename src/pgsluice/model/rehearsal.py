"""What a rehearsal found: the same migrations on identical copies, as plain SQL and as pgsluice runs them, both measured."""

from collections.abc import Mapping
from dataclasses import dataclass

from pgsluice.model.measurement import Measurement


@dataclass(frozen=True, slots=True)
class StandbySide:
    """What a streaming standby felt meanwhile. `felt` are its readers' waits, None where the load has no request that only reads;
    `lag_s` and `lag_bytes` how far it was behind at most; `cancelled` counts the queries that replay cancelled, by the reason
    (lock, snapshot, bufferpin, deadlock)."""

    felt: Measurement | None
    lag_s: float
    lag_bytes: int
    cancelled: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RehearsedSide:
    """One way of running the migrations. `took_s` is what they took themselves, `failed_attempts` how often one failed and was
    run again, `killed` how often the runner was killed and started again. `error` says why the way did not reach its end, None
    where it did. `standby` is None where there was none."""

    felt: Measurement
    took_s: float
    failed_attempts: int = 0
    killed: int = 0
    error: str | None = None
    standby: StandbySide | None = None


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """`rows` are those of the tables before the migrations, by name. `rate` is in requests a second. `baseline` is the same load
    without any migration. `same_end`: whether both ways left the same schema, None where that cannot be told.
    `notes` say what is not as in production: what could not be made, filled or asked."""

    server_version: str
    migrations: tuple[str, ...]
    rows: Mapping[str, int]
    rate: float
    connections: int
    requests: tuple[str, ...]
    baseline: Measurement
    naive: RehearsedSide
    plan: RehearsedSide
    same_end: bool | None
    notes: tuple[str, ...] = ()

    @property
    def longest_added_ms(self) -> float:
        """By how much the plan's longest wait of a request exceeds that of the quiet baseline."""
        return max(0.0, self.plan.felt.max_ms - self.baseline.max_ms)

    def passes(self, max_stall_s: float) -> bool:
        """Whether the plan reached its end, kept no request waiting for longer, and left what plain SQL leaves."""
        return self.plan.error is None and self.longest_added_ms <= max_stall_s * 1000 and self.same_end is not False
