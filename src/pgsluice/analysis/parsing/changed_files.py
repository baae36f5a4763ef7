"""Which files have changed since a commit, asked of git."""

from collections.abc import Callable, Iterator
from pathlib import Path

from pgsluice.model.errors import UsageError


def changed_since(ref: str) -> Callable[[str], bool]:
    """Whether a path, as seen from the current directory, is new or differs from the commit `ref`; files that git does not know
    count as new, files that were only moved or renamed do not. What lies beside a migration and says how it runs counts as a part
    of it. Raises UsageError `bad-git-ref` and `git-missing`."""
    top = Path(_git(["rev-parse", "--show-toplevel"], ref).strip())
    changed = _git(["diff", "--name-status", "-z", "--find-renames=100%", "--diff-filter=d", "--end-of-options", ref, "--"], ref, top)
    new = _git(["ls-files", "--others", "--exclude-standard", "-z"], ref, top).split("\0")
    files = {top / name for name in (*_edited(changed.split("\0")), *new) if name}
    return lambda path: any(part in files for part in _parts(Path(path).resolve()))


def _edited(fields: list[str]) -> Iterator[str]:
    """The paths in what `git diff --name-status -z` prints, without those that another name was given and no other text."""
    entries = iter(fields)
    for status in entries:
        if status.startswith(("R", "C")):
            next(entries), next(entries)
        elif status:
            yield next(entries)


def _parts(path: Path) -> tuple[Path, ...]:
    """The file itself, and what says how diesel or Flyway runs it."""
    return path, path.with_name(f"{path.name}.conf"), path.with_name("metadata.toml" if path.name == "up.sql" else f"{path.name}.conf")


def _git(arguments: list[str], ref: str, directory: Path | None = None) -> str:
    import subprocess  # slow to import, and only --since needs it

    try:
        ran = subprocess.run(["git", *arguments], cwd=directory, capture_output=True, check=False)
    except OSError as error:
        raise UsageError("git-missing", f"git cannot be called: {error.strerror}", next="install git, or leave out --since") from None
    if ran.returncode != 0:
        said = next(iter(ran.stderr.decode(errors="replace").strip().splitlines()), "")
        what = f"git cannot compare with {ref!r}: {said}"
        raise UsageError("bad-git-ref", what, where="--since", next="name a commit or branch that this clone holds")
    return ran.stdout.decode(errors="surrogateescape")
