"""The product as it runs in production, in processes of its own that a supervisor starts again whenever they end."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row

from tests.chaos.agents import read_calls
from tests.chaos.servers import Postgres, RabbitMQ, Redis, free_port
from tests.processes import MANAGE, ROOT, eventually, read_until, run, running

SUPERVISOR_SECONDS = 0.2
# A worker that is told to stop has this long for the calls under way: longer than any agent of the suite takes.
DRAIN_SECONDS = 20
_NO_LIMIT = "1000000"


class Program:
    """A program of ours with its children."""

    def __init__(self, *arguments: str, environ: Mapping[str, str], log: Path) -> None:
        self._arguments = arguments
        self._environ = dict(environ)
        self.log = log
        self.starts = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._wanted = False

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        self._wanted = True
        self.keep()

    def keep(self) -> None:
        """Start it if it should run and does not."""
        with self._lock:
            if not self._wanted or (self.process is not None and self.process.poll() is None):
                return
            self._end_group()
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(
                    [sys.executable, MANAGE, *self._arguments],
                    env=self._environ,
                    cwd=ROOT,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            self.starts += 1

    def kill(self) -> None:
        """Kill it with all its children."""
        self._end_group()

    def kill_a_child(self, place: int) -> None:
        """Kill one of its children alone, and leave it to the parent what to do about it."""
        children = sorted(children_of(self.pid))
        if children:
            with suppress(ProcessLookupError):
                os.kill(children[place % len(children)], signal.SIGKILL)

    def ask_to_end(self) -> None:
        """Send SIGTERM. Where a supervisor wants it to run, it begins again afterwards."""
        assert self.process is not None
        self.process.terminate()

    def stop(self) -> int:
        """Ask it to end for good, and return its exit code."""
        self._wanted = False
        self.ask_to_end()
        assert self.process is not None
        return self.process.wait(DRAIN_SECONDS * 3)

    def end(self) -> None:
        """Have it gone for good."""
        self._wanted = False
        with self._lock:
            self._end_group()

    def _end_group(self) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(30)


def children_of(pid: int) -> list[int]:
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, thread.read_text().split())
    return found


@dataclass(slots=True)
class Installation:
    """Where everything is, and what runs."""

    folder: Path
    environ: dict[str, str]
    url: str
    keys: dict[str, dict[str, str]]
    web: Program
    sweep: Program

    def worker(self, *, processes: int = 1, **more: str) -> Program:
        """Return worker processes that are not started yet."""
        arguments = ("rundramatiq", "--processes", str(processes))
        return Program(*arguments, environ=self.environ | more, log=self.folder / "workers.log")

    def calls(self) -> list[dict[str, Any]]:
        return read_calls(self.folder)

    def rows(self, sql: str, *parameters: object) -> list[DictRow]:
        """Ask the installation's database."""
        with psycopg.connect(self.environ["DATABASE_URL"], row_factory=dict_row) as connection:
            return connection.execute(sql, parameters).fetchall()

    def unfinished(self) -> int:
        """Return how many tasks have not ended."""
        over = "('completed', 'failed', 'canceled', 'rejected')"
        (counted,) = self.rows(f"SELECT count(*) AS n FROM delegation_task WHERE status NOT IN {over}")
        return int(counted["n"])


def environment(folder: Path, *, database: str, redis: str, broker: str) -> dict[str, str]:
    """Return what the programs are told. The suite submits far more than a customer may in a day."""
    return os.environ | {
        "A2A_VAR_DIR": str(folder / "var"),
        "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
        "DATABASE_URL": database,
        "REDIS_URL": redis,
        "BROKER_URL": broker,
        "A2A_QUEUE": "delegation",
        "A2A_DRAIN_SECONDS": str(DRAIN_SECONDS),
        "A2A_LIMIT_CUSTOMER_TASKS_PER_DAY": _NO_LIMIT,
        "A2A_LIMIT_AGENT_CALLS_PER_HOUR": _NO_LIMIT,
        "A2A_LIMIT_PAIR_PER_HOUR": _NO_LIMIT,
        "A2A_LOG_LEVEL": "INFO",
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def installed(folder: Path, *, postgres: Postgres, redis: Redis, broker: RabbitMQ | Redis) -> Iterator[Installation]:
    """Give an installation on a database of its own, with its staff, agents, web processes and sweeper."""
    database = postgres.database(f"chaos_{folder.name.replace('-', '_')}")
    environ = environment(folder, database=database, redis=redis.url, broker=broker.url)
    migrated = run(MANAGE, "migrate", "-v0", environ=environ, seconds=120)
    assert migrated.returncode == 0, migrated.stderr
    with running("-m", "tests.chaos.agents", str(folder), environ=environ) as agents:
        port = read_until(agents, "").strip()
        staff = run("-m", "tests.chaos.staff", port, environ=environ, seconds=120)
        assert staff.returncode == 0, staff.stderr
        web_port = free_port()
        web = ("web", "--port", str(web_port), "--processes", "2")
        found = Installation(
            folder=folder,
            environ=environ,
            url=f"http://127.0.0.1:{web_port}",
            keys=json.loads(staff.stdout),
            web=Program(*web, environ=environ, log=folder / "web.log"),
            sweep=Program("sweep", environ=environ, log=folder / "sweep.log"),
        )
        with supervised(found.web, found.sweep):
            yield found


@contextmanager
def supervised(*programs: Program) -> Iterator[None]:
    """Start the programs, and again whenever one ends, until the block is over."""
    over = threading.Event()

    def supervise() -> None:
        while not over.wait(SUPERVISOR_SECONDS):
            for program in programs:
                program.keep()

    supervisor = threading.Thread(target=supervise, name="supervisor")
    for program in programs:
        program.start()
    supervisor.start()
    try:
        yield
    finally:
        over.set()
        supervisor.join()
        for program in programs:
            program.end()


def drained(installation: Installation, *, seconds: float) -> bool:
    """Wait until every task has ended; return whether that came."""
    return eventually(lambda: installation.unfinished() == 0, seconds=seconds)
