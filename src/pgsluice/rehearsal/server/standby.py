"""A streaming hot standby of a throw-away server."""

from collections.abc import Mapping
from pathlib import Path

from pgsluice.model.errors import ConnectionFailedError
from pgsluice.rehearsal.server.installation import Installation
from pgsluice.rehearsal.server.throwaway import ThrowawayServer


class StandbyServer(ThrowawayServer):
    """Like a throw-away server, but its data are a base backup of `primary`, from which it then streams. End it first."""

    def __init__(self, primary: ThrowawayServer, settings: Mapping[str, str] | None = None, *, name: str = "standby") -> None:
        """`name` is its application_name, by which the primary's synchronous_standby_names knows it. Raises
        ConnectionFailedError where the primary's installation has no pg_basebackup."""
        refuse_without_basebackup(primary.installation)
        super().__init__(primary.installation, {**primary.settings, **(settings or {})})
        self.primary, self.name, self.password = primary, name, primary.password

    def _make_data(self) -> None:
        source = f"{self.primary.dsn()} application_name='{self.name}'"
        program = self.installation.program("pg_basebackup")
        arguments: list[str | Path] = ["-d", source, "-D", self.data, "-R", "-X", "stream", "-c", "fast", "--no-sync"]
        ran = self.account.run([program, *arguments], self.directory)
        if ran.returncode != 0:
            raise ConnectionFailedError("server-did-not-start", f"pg_basebackup failed: {ran.stdout.strip()}", where=str(program))


def refuse_without_basebackup(installation: Installation) -> None:
    """Raises ConnectionFailedError `server-cannot-make-standby`."""
    if not installation.can_make_standby:
        raise ConnectionFailedError(
            "server-cannot-make-standby",
            "this PostgreSQL installation has no pg_basebackup, so no standby can be made",
            where=str(installation.bin),
            next="use the embedded server or a distribution's packages",
        )
