"""Who takes part: each is a process that obeys contest.py, on an empty database of its own."""

import compileall
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis

from benchmarks.contest import Lap, Order

ROOT = Path(__file__).resolve().parent.parent
_OWN_PACKAGES = ("a2a_project", "audit", "security", "delegation", "benchmarks")
PEERS_VENV = ROOT / "var" / "bench-peers"
PEERS_PYTHON = str(PEERS_VENV / "bin" / "python")
PEERS_REQUIREMENTS = ROOT / "benchmarks" / "peers" / "requirements.txt"
SHAPES = ("chain", "fanout")
# More than anybody submits here: what is measured is the counting, not the refusal.
_UNREACHED = str(10**9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """``title`` stands in the tables. ``asks_over_http``: its first process is but the client of the others."""

    name: str
    title: str
    module: str
    arguments: tuple[str, ...] = ()
    is_peer: bool = True
    asks_over_http: bool = False
    shapes: tuple[str, ...] = SHAPES

    @property
    def python(self) -> str:
        """Return the interpreter of its first process: a client over HTTP is always ours."""
        return PEERS_PYTHON if self.is_peer and not self.asks_over_http else sys.executable

    def runs(self, *, shape: str, delay_ms: int, in_flight: int) -> bool:
        """Tell whether it takes part. Over REST only the door is of interest: many in flight, agents that are quick."""
        return shape in self.shapes and (not self.asks_over_http or (delay_ms == 0 and in_flight > 1))


OURS = Contender(name="ours", title="ours, in process", module="benchmarks.chain", is_peer=False)
OURS_OVER_REST = Contender(
    name="rest",
    title="ours, over REST",
    module="benchmarks.rest",
    is_peer=False,
    asks_over_http=True,
    shapes=("chain", "ingress"),
)


def _served(name: str, title: str) -> Contender:
    return Contender(
        name=f"{name}-rest",
        title=title,
        module="benchmarks.served",
        arguments=(name,),
        asks_over_http=True,
        shapes=("chain",),
    )


CONTENDERS = (
    OURS,
    Contender(name="two", title="ours, two workers", module="benchmarks.two_workers", is_peer=False, shapes=("chain",)),
    Contender(name="bare", title="bare asyncio (floor)", module="benchmarks.peers.bare"),
    Contender(name="dbos", title="DBOS", module="benchmarks.peers.dbos_chain"),
    Contender(name="langgraph", title="LangGraph + Postgres", module="benchmarks.peers.langgraph_chain"),
    Contender(name="dramatiq", title="Dramatiq, raw", module="benchmarks.peers.dramatiq_chain"),
    Contender(name="celery", title="Celery, prefork", module="benchmarks.peers.celery_chain"),
    OURS_OVER_REST,
    _served("a2a", "a2a-sdk + DatabaseTaskStore"),
    _served("dbos", "DBOS over REST"),
    _served("langgraph", "LangGraph over REST"),
    Contender(
        name="insert",
        title="Django view, one INSERT (floor)",
        module="benchmarks.served",
        arguments=("floor",),
        is_peer=False,
        asks_over_http=True,
        shapes=("ingress",),
    ),
)


class ContenderBroken(RuntimeError):
    """A contender could not be installed, ended, or did not do what it was told."""


def compile_own() -> None:
    """Compile our modules, the peers' programs among them, as our image does and as pip has compiled every package.

    Where Python may not keep what it compiles (PYTHONDONTWRITEBYTECODE), every start would compile them anew.
    """
    for package in _OWN_PACKAGES:
        compileall.compile_dir(ROOT / package, quiet=1)


def install_peers() -> None:
    """Install the peers into their own virtual environment, once for each state of their requirements.

    Raises:
        ContenderBroken: with the last line that the installer said.
    """
    wanted = PEERS_REQUIREMENTS.read_text(encoding="utf-8")
    stamp = PEERS_VENV / "installed.txt"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    print("Installing the peers into var/bench-peers (once, one or two minutes) ...", flush=True)
    pip = [PEERS_PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        if not Path(PEERS_PYTHON).exists():
            subprocess.run([sys.executable, "-m", "venv", str(PEERS_VENV)], check=True, capture_output=True, text=True)
        subprocess.run([*pip, "-r", str(PEERS_REQUIREMENTS)], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip()
        raise ContenderBroken(f"not installed: {said.splitlines()[-1]}") from error
    stamp.write_text(wanted, encoding="utf-8")


class Running:
    """A contender's process, told what to do line by line."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.pid = process.pid
        self._read()

    def lap(self, order: Order) -> Lap:
        """Have it run the order. Raises ContenderBroken."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # It has ended: the reading tells how.
            self._process.stdin.write(json.dumps(asdict(order)) + "\n")
            self._process.stdin.flush()
        return Lap(**self._read())

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ContenderBroken(f"it ended with exit code {self._process.wait()}")
        message: dict[str, Any] = json.loads(line)
        return message


def environment(*, database_url: str, redis_url: str, agents_url: str, folder: str) -> dict[str, str]:
    """Return what a contender's processes find in their environment: for ours, production's settings."""
    return os.environ | {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "BROKER_URL": redis_url,
        "AGENTS_URL": agents_url,
        "SECRET_KEY": "for benchmarks only: fifty characters that say so.",
        "A2A_VAR_DIR": folder,
        "A2A_ALLOWED_AGENT_HOSTS": "127.0.0.1",
        "A2A_LOG_LEVEL": "WARNING",
        "A2A_LIMIT_CUSTOMER_TASKS_PER_DAY": _UNREACHED,
        "A2A_LIMIT_AGENT_CALLS_PER_HOUR": _UNREACHED,
        "A2A_LIMIT_PAIR_PER_HOUR": _UNREACHED,
        "A2A_HTTP_REQUESTS_PER_MINUTE": _UNREACHED,
        "A2A_HTTP_ADDRESS_REQUESTS_PER_MINUTE": _UNREACHED,
        "A2A_QUEUE": f"bench-{os.getpid()}",
    }


def forget_counts(redis_url: str) -> None:
    """Let nobody begin with the limits' counters of whoever ran before: they are part of what was to be empty."""
    client = redis.Redis.from_url(redis_url)
    for key in client.scan_iter(match="a2a:*{bench-*", count=1000):
        client.delete(key)
    client.close()


@contextlib.contextmanager
def running(contender: Contender, *, database_url: str, redis_url: str, agents_url: str) -> Iterator[Running]:
    """Run the contender until the end of the block; what it prints goes to a log of its own.

    Raises:
        ContenderBroken: with the end of its log.
    """
    forget_counts(redis_url)
    with tempfile.TemporaryDirectory(prefix="a2a-bench-") as folder:
        log_path = Path(folder) / "log"
        surroundings = environment(database_url=database_url, redis_url=redis_url, agents_url=agents_url, folder=folder)
        with log_path.open("w") as log:
            process = subprocess.Popen(
                [contender.python, "-m", contender.module, *contender.arguments],
                cwd=ROOT,
                env=surroundings,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
            try:
                with ended(process):
                    yield Running(process)
            except ContenderBroken as error:
                end = log_path.read_text(encoding="utf-8", errors="replace")[-3000:]
                raise ContenderBroken(f"{error}\n{end}".strip()) from error


@contextlib.contextmanager
def ended(process: "subprocess.Popen[str]") -> Iterator[None]:
    """At the end of the block close its input, which asks it to end; kill it where it does not within a while."""
    try:
        yield
    finally:
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def empty_database(server: psycopg.Connection, server_url: str, name: str) -> Iterator[str]:
    """Create the database, give its address, and drop it at the end."""
    server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    server.execute(f'CREATE DATABASE "{name}"')
    try:
        scheme, address, _, query, _ = urlsplit(server_url)
        yield urlunsplit((scheme, address, f"/{name}", query, ""))
    finally:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
