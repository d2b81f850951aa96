"""What goes wrong, in an order drawn from a seed; and when each thing went wrong, for the checks to know."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.chaos.installation import Installation, Program
from tests.chaos.servers import Postgres, RabbitMQ, Redis, Server
from tests.processes import eventually

# After its server has restarted a worker has so long to take its lock again (and a slow machine a little longer).
RECONNECT_SECONDS = 8.0
# Some calls of agents, and how long it may take until they come.
_CALLS, _WORK_SECONDS = 10, 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One that cuts off calls under way: they may be made once more. Times in seconds since 1970."""

    kind: str
    began_at: float
    over_at: float


@dataclass(slots=True, kw_only=True)
class Faults:
    """Everything that can go wrong with an installation."""

    installation: Installation
    workers: Sequence[Program]
    postgres: Postgres
    redis: Redis
    broker: Redis | RabbitMQ
    chance: random.Random
    cutting: list[Fault] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    _starting: threading.Thread | None = None

    def happen(self, *, seconds: float, pause_seconds: float) -> None:
        """Let one thing after the other go wrong for so long, and each kind at least once.

        Every other time agents are called again in between, however slow the machine is: else nothing would be cut off.
        """
        self._await_work()
        began = time.monotonic()
        pending: list[Callable[[], None]] = []
        rounds = 0
        while pending or rounds == 0 or time.monotonic() - began < seconds:
            if not pending:
                pending = self._kinds()
                self.chance.shuffle(pending)
                rounds += 1
            fault = pending.pop()
            self.story.append(f"{time.monotonic() - began:.1f} s {fault.__name__}")
            fault()
            if self.chance.random() < 0.5:
                self._await_work()
            threading.Event().wait(self.chance.uniform(0, 2 * pause_seconds))
        self._await_rabbitmq()

    def _await_work(self) -> None:
        called = len(self.installation.calls())
        eventually(lambda: len(self.installation.calls()) >= called + _CALLS, seconds=_WORK_SECONDS)

    def _kinds(self) -> list[Callable[[], None]]:
        kinds: list[Callable[[], None]] = [
            self.kill_a_worker,
            self.kill_all_workers,
            self.kill_a_process_of_a_worker,
            self.stop_a_worker,
            self.kill_web,
            self.kill_a_web_process,
            self.kill_the_sweeper,
            self.restart_postgres,
            self.flush_redis,
            self.restart_redis,
            self.hang_redis,
        ]
        if self.broker is self.redis:
            return kinds
        return [*kinds, self.flush_rabbitmq, self.restart_rabbitmq, self.hang_rabbitmq]

    def kill_a_worker(self) -> None:
        with self._cutting():
            self.chance.choice(self.workers).kill()

    def kill_all_workers(self) -> None:
        with self._cutting():
            for worker in self.workers:
                worker.kill()

    def kill_a_process_of_a_worker(self) -> None:
        with self._cutting():
            self.chance.choice(self.workers).kill_a_child(self.chance.randrange(8))

    def stop_a_worker(self) -> None:
        """Ask it to end in order: no call is cut off by that."""
        self.chance.choice(self.workers).ask_to_end()

    def kill_web(self) -> None:
        self.installation.web.kill()

    def kill_a_web_process(self) -> None:
        self.installation.web.kill_a_child(self.chance.randrange(8))

    def kill_the_sweeper(self) -> None:
        self.installation.sweep.kill()

    def restart_postgres(self) -> None:
        with self._cutting(lasting_seconds=RECONNECT_SECONDS):
            self._restart(self.postgres)

    def flush_redis(self) -> None:
        self.redis.flush()

    def restart_redis(self) -> None:
        self._restart(self.redis)

    def hang_redis(self) -> None:
        self._hang(self.redis)

    def hang_rabbitmq(self) -> None:
        self._await_rabbitmq()
        self._hang(self.broker)

    def flush_rabbitmq(self) -> None:
        self._await_rabbitmq()
        assert isinstance(self.broker, RabbitMQ)
        self.broker.flush()

    def restart_rabbitmq(self) -> None:
        """Kill it, and let other things go wrong while it starts again, which takes it long."""
        self._await_rabbitmq()
        self.broker.kill()
        self._starting = threading.Thread(target=self.broker.start, name="rabbitmq")
        self._starting.start()

    def _await_rabbitmq(self) -> None:
        if self._starting is not None:
            self._starting.join()

    def _hang(self, server: Server) -> None:
        with server.hanging():
            threading.Event().wait(self.chance.uniform(1, 4))

    def _restart(self, server: Server) -> None:
        server.kill()
        threading.Event().wait(self.chance.uniform(0, 2))
        server.start()

    @contextmanager
    def _cutting(self, *, lasting_seconds: float = 0.0) -> Iterator[None]:
        began_at = time.time()
        yield
        kind = self.story[-1].rpartition(" ")[2]
        self.cutting.append(Fault(kind=kind, began_at=began_at, over_at=time.time() + lasting_seconds))
