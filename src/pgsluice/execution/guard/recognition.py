"""Which backends are a command's: by the application_name that was handed down to it, or by the sockets of its processes."""

import ipaddress
import math
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from pgsluice.model.snapshot import Backend

_PROC = Path("/proc")
FRESH_S = 0.05
"""For how long a reading of /proc is good: reading it takes milliseconds, and several backends may be asked about at once."""

_ESTABLISHED = "01"
"""TCP_ESTABLISHED in /proc/net/tcp."""


_Endpoint = tuple[str, int]


class Recognition:
    """Knows the command's backends by `application`, a name that nobody else has, and by the sockets of `root` and its descendants.

    One over a Unix socket and under another name, or whose address is hidden or changed on the way, cannot be told; nor can any
    by its sockets where there is no /proc."""

    def __init__(self, application: str, root: int | None = None) -> None:
        self._application, self.root = application, root
        self._read_at, self._endpoints = -math.inf, frozenset[_Endpoint]()

    def __call__(self, backend: Backend) -> bool:
        """Whether the backend is the command's for certain."""
        if (backend.application or "").startswith(self._application):
            return True
        if self.root is None or not _PROC.joinpath("net/tcp").exists():
            return False
        endpoint = _endpoint(backend.client or "")
        return endpoint is not None and endpoint in self._own_endpoints(self.root)

    def _own_endpoints(self, root: int) -> frozenset[_Endpoint]:
        if time.monotonic() - self._read_at > FRESH_S:
            self._endpoints, self._read_at = frozenset(endpoints(descendants(root))), time.monotonic()
        return self._endpoints


def _endpoint(client: str) -> _Endpoint | None:
    host, _, port = client.rpartition(":")
    try:
        return _plain(ipaddress.ip_address(host)), int(port)
    except ValueError:
        return None


def _plain(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """An IPv4 address in IPv6 clothes is the same client."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def descendants(root: int) -> set[int]:
    """The process and those that it started, directly or through others, and that still run."""
    parents: dict[int, int] = {}
    for entry in os.scandir(_PROC):
        if entry.name.isdigit():
            with suppress(OSError, IndexError, ValueError):
                status = Path(entry.path, "stat").read_text(errors="replace")
                parents[int(entry.name)] = int(status.rsplit(")", 1)[1].split()[1])
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def endpoints(pids: Iterable[int]) -> set[_Endpoint]:
    """The local ends of the TCP connections that these processes have open."""
    inodes: set[str] = set()
    for pid in pids:
        with suppress(OSError):
            for fd in os.scandir(_PROC / str(pid) / "fd"):
                with suppress(OSError):
                    target = os.readlink(fd.path)
                    if target.startswith("socket:["):
                        inodes.add(target[8:-1])
    return {end for table in ("tcp", "tcp6") for inode, end in _connections(table) if inode in inodes}


def _connections(table: str) -> Iterable[tuple[str, _Endpoint]]:
    """Inode and local end of each established connection of the machine."""
    with suppress(OSError):
        for line in (_PROC / "net" / table).read_text().splitlines()[1:]:
            fields = line.split()
            if len(fields) > 9 and fields[3] == _ESTABLISHED:
                host, port = fields[1].split(":")
                yield fields[9], (_plain(_address(host)), int(port, 16))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The kernel prints each 32-bit word in the machine's byte order."""
    import sys

    words = [bytes.fromhex(text[at : at + 8]) for at in range(0, len(text), 8)]
    raw = b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)
    return ipaddress.ip_address(raw)
