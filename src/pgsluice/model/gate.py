"""What the gate saw of the old shape before `contract`."""

from dataclasses import dataclass

from pgsluice.model.steps import OldName


@dataclass(frozen=True, slots=True)
class Use:
    """Who or what uses the old shape, and how that was told."""

    who: str
    does: str

    def __str__(self) -> str:
        return f"{self.who} {self.does}"


@dataclass(frozen=True, slots=True)
class GateLook:
    """What one look at a migration's gate showed. `names` are what nobody may name any more after `contract`; `uses` who still seems
    to; `remarks` what tells neither; `unseen` what could not be looked at."""

    migration: str
    names: tuple[OldName, ...]
    uses: tuple[Use, ...] = ()
    remarks: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
