"""PostgreSQL, Redis and RabbitMQ of the suite's own, to be killed and emptied: a temporary folder, free ports."""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn

import pika
import psycopg
import pytest
import redis

from tests.processes import eventually

# Beneath the ports that the system gives to clients: nobody takes one while its server is down.
PORTS = range(20_000, 32_000)
START_SECONDS = 90
_chance = random.SystemRandom()


def free_port() -> int:
    while True:
        port = _chance.choice(PORTS)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


def program(name: str, *folders: str) -> str:
    """Return the path of a server's program; fail the test where the machine has none."""
    newest_first = sorted((str(path) for folder in folders for path in Path("/").glob(folder)), reverse=True)
    found = shutil.which(name, path=os.pathsep.join([*newest_first, os.environ["PATH"], "/usr/sbin"]))
    return found or missing(name)


def missing(name: str) -> NoReturn:
    pytest.fail(f"the chaos suite needs {name}, which this machine does not have")


class Server:
    """A server process; it begins again on the port and with the folder that it had."""

    user: str | None = None

    def __init__(self, folder: Path, command: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._command = command
        self._environ = dict(environ or os.environ)
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def owned(cls, parent: Path, name: str) -> Path:
        """Return a new folder that belongs to who the server runs as."""
        folder = parent / name
        folder.mkdir()
        if user := cls.identity():
            shutil.chown(folder, user)
        return folder

    @classmethod
    def identity(cls) -> str | None:
        """Return who the server runs as: the administrator may not run it, everybody else runs it as themselves."""
        return cls.user if os.geteuid() == 0 else None

    def start(self) -> None:
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environ,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                user=self.identity(),
                start_new_session=True,
            )
        if not eventually(self.answers, seconds=START_SECONDS):
            text = (self.folder / "server.log").read_text(errors="replace")
            pytest.fail(f"{self._command[0]} did not start: {text[-2000:]}")

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End the server with all its processes, as a failing machine does."""
        assert self._process is not None
        os.killpg(self._process.pid, number)
        self._process.wait(30)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Have it take connections and answer nobody while the block runs."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self._process.pid, signal.SIGCONT)

    def answers(self) -> bool:
        """Return whether it serves."""
        raise NotImplementedError


class Postgres(Server):
    user = "postgres"

    def __init__(self, parent: Path) -> None:
        folder = self.owned(parent, "postgres")
        binaries = "usr/lib/postgresql/*/bin"
        port = free_port()
        self.url = f"postgres://postgres@127.0.0.1:{port}/postgres"
        subprocess.run(
            [program("initdb", binaries), "-D", folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N"],
            check=True,
            capture_output=True,
            user=self.identity(),
            cwd=folder,
        )
        # What is lost with the machine's power is not at stake here, only what is lost with the server's processes.
        options = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": folder, "fsync": "off"}
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        super().__init__(folder, [program("postgres", binaries), "-D", str(folder / "data"), *flags])

    def kill(self, number: signal.Signals = signal.SIGQUIT) -> None:
        """End it "immediately": nothing is written any more, and the next start recovers from the log."""
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(30)

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def database(self, name: str) -> str:
        """Create a database and return its address."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return f"{self.url.rpartition('/')[0]}/{name}"


class Redis(Server):
    def __init__(self, parent: Path) -> None:
        folder = self.owned(parent, "redis")
        port = free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        # Nothing is kept: each start begins empty.
        flags = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        super().__init__(folder, [program("redis-server"), *flags])

    def flush(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


class RabbitMQ(Server):
    user = "rabbitmq"

    def __init__(self, parent: Path) -> None:
        folder = self.owned(parent, "rabbitmq")
        port, cluster_port = free_port(), free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{port}/"
        self._port = port
        # A node of its own: the machine's other node, if there is one, knows nothing of it.
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"chaos-{port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(cluster_port),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_CONFIG_FILE": str(folder / "none"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1",
        }
        # The script in the usual path is for the administrator alone and writes to the machine's own folders.
        super().__init__(folder, [program("rabbitmq-server", "usr/lib/rabbitmq/bin")], environ)

    def flush(self) -> None:
        """Empty every queue that the installation has declared."""
        with pika.BlockingConnection(pika.URLParameters(self.url)) as connection:
            for queue in ("delegation", "delegation.DQ", "delegation.XQ"):
                channel = connection.channel()
                try:
                    channel.queue_purge(queue)
                except pika.exceptions.ChannelClosedByBroker:
                    continue  # It has not been declared yet.

    def answers(self) -> bool:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self._port)) != 0:
                return False
        try:
            pika.BlockingConnection(pika.URLParameters(self.url)).close()
        except pika.exceptions.AMQPError:
            return False
        return True


@contextmanager
def serving(*kinds: Callable[[Path], Server]) -> Iterator[list[Server]]:
    """Run one server of each kind; kill them and remove what they wrote afterwards."""
    # Not pytest's folder: the servers' own users could not enter it.
    with tempfile.TemporaryDirectory(prefix="a2a-chaos-", ignore_cleanup_errors=True) as name, ExitStack() as stack:
        parent = Path(name)
        parent.chmod(0o755)
        servers = [kind(parent) for kind in kinds]
        for server in servers:
            server.start()
            stack.callback(server.kill)
        yield servers
