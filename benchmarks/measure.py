"""What a contender costs: CPU and memory of its processes and of the database, and the transactions it writes.

Linux only: CPU and memory are read from /proc. Of PostgreSQL the backends of the contender's own database count. A
transaction that writes is one that draws a transaction id; the server counts these for all its databases together, so
on a server that others use too the figure is an upper bound.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psycopg

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process with its children that have ended; 0 where it is gone or runs elsewhere."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(ticks) for ticks in fields[11:15]) / _TICKS_PER_SECOND


def backend_cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process of one thread, to the nanosecond; 0 where it is gone or runs elsewhere.

    Ticks would lose up to 20 ms of each of many connections that do little.
    """
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9
    except (OSError, IndexError):
        return cpu_seconds(pid)


def resident_mb(pid: int) -> float:
    """Return the memory that the process holds now, in MB; 0 where it is gone."""
    return _status_mb(pid, "VmRSS")


def peak_mb(pid: int) -> float:
    """Return the most memory that the process has held since its start, in MB; 0 where it is gone."""
    return _status_mb(pid, "VmHWM")


def _status_mb(pid: int, name: str) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(name)), 0.0)


def family(root: int) -> list[int]:
    """Return the process and all that descend from it."""
    found = [root]
    for pid in found:
        for thread in _listing(Path(f"/proc/{pid}/task")):
            try:
                found += map(int, (thread / "children").read_text(encoding="ascii").split())
            except OSError:
                continue
    return found


def _listing(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Everything counted so far. CPU in seconds by part."""

    cpu: dict[str, float]
    backends: dict[int, float]
    transaction_ids: int


class Meters:
    """Reads what a contender has used. The connection is to another database than the contender's."""

    def __init__(self, *, server: psycopg.Connection, database: str, agents_pid: int, redis_cpu: "RedisCpu") -> None:
        self._server = server
        self._database = database
        self._agents_pid = agents_pid
        self._redis = redis_cpu

    def read(self, pids: Iterable[int], *, client: int | None) -> Reading:
        """Read all meters; ``client`` is the process among them that only asks and waits."""
        cpu = {
            "product": sum(cpu_seconds(pid) for pid in pids if pid != client),
            "client": cpu_seconds(client) if client else 0.0,
            "agents": cpu_seconds(self._agents_pid),
            "redis": self._redis.seconds(),
        }
        return Reading(cpu=cpu, backends=self._backends(), transaction_ids=self.transaction_ids())

    def _backends(self) -> dict[int, float]:
        rows = self._server.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s", [self._database])
        return {pid: backend_cpu_seconds(pid) for (pid,) in rows}

    def transaction_ids(self) -> int:
        """Return how many transaction ids the server has drawn."""
        row = self._server.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint").fetchone()
        assert row is not None
        return int(row[0])


class RedisCpu:
    """The CPU time of the Redis server, by its own account; 0 where there is none."""

    def __init__(self, url: str) -> None:
        import redis  # noqa: PLC0415 - a run without Redis needs no client

        self._client = redis.Redis.from_url(url) if url else None

    def seconds(self) -> float:
        if self._client is None:
            return 0.0
        info = self._client.info("cpu")
        return float(info["used_cpu_sys"]) + float(info["used_cpu_user"])


def spent(before: Reading, after: Reading) -> dict[str, float]:
    """Return CPU seconds by part between two readings; a backend that has ended meanwhile is not counted."""
    parts = {part: seconds - before.cpu[part] for part, seconds in after.cpu.items()}
    parts["postgres"] = sum(seconds - before.backends.get(pid, 0.0) for pid, seconds in after.backends.items())
    return parts
