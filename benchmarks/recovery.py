"""Crash recovery: `kill -9` of all workers with tasks in flight; how soon are all done after the restart, and how well.

Agents take a second until the kill, so that every task is under way, and 50 ms after it.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pika
import psycopg

from benchmarks.agents import set_tempo
from benchmarks.contenders import PEERS_PYTHON, ROOT, ContenderBroken, empty_database, environment, forget_counts
from benchmarks.contest import CHAIN
from benchmarks.measure import family
from benchmarks.rounds import Failure, Ground, failed

TASKS = 200
_SLOW_MS, _QUICK_MS = 1000, 50
# Some of the steps are recorded at the kill. Workers that take few tasks at a time get so long for what they can.
_STEPS_BEFORE_THE_KILL, _LONGEST_BEFORE_THE_KILL_SECONDS = TASKS // 2, 5.0
_LONGEST_START_SECONDS, _LONGEST_RECOVERY_SECONDS = 60.0, 90.0
_PAUSE_SECONDS = 0.02
_PEERS_AUDIT = "(SELECT task_id, agent FROM bench_audit)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivor:
    """Who is killed. The module knows `submit N` (where ``submits_apart``) and `work N`, which runs until killed.

    ``submitted`` and ``done`` count tasks; ``steps`` is a table with a row (task, agent) for each recorded step.
    """

    name: str
    title: str
    module: str
    python: str
    submitted: str
    done: str
    steps: str
    submits_apart: bool = True


def _by_broker(name: str, title: str, module: str) -> Survivor:
    return Survivor(
        name=name,
        title=f"{title}, RabbitMQ",
        module=module,
        python=PEERS_PYTHON,
        submitted="SELECT count(*) FROM bench_task",
        done=f"SELECT count(DISTINCT task_id) FROM bench_audit WHERE agent = '{CHAIN[-1]}'",
        steps=_PEERS_AUDIT,
    )


SURVIVORS = (
    Survivor(
        name="ours",
        title="ours",
        module="benchmarks.survivor",
        python=sys.executable,
        submitted="SELECT count(*) FROM delegation_task",
        done="SELECT count(*) FROM delegation_task WHERE status = 'completed'",
        steps="(SELECT task_id, agent_type AS agent FROM agent_delegation_logs)",
    ),
    Survivor(
        name="dbos",
        title="DBOS",
        module="benchmarks.peers.dbos_survivor",
        python=PEERS_PYTHON,
        submitted="SELECT count(*) FROM dbos.workflow_status",
        done="SELECT count(*) FROM dbos.workflow_status WHERE status = 'SUCCESS'",
        steps=_PEERS_AUDIT,
        submits_apart=False,
    ),
    _by_broker("dramatiq", "Dramatiq", "benchmarks.peers.dramatiq_chain"),
    _by_broker("celery", "Celery", "benchmarks.peers.celery_chain"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """One kill. ``seconds`` from the restart until all are done, None where some never were.

    ``doubled`` counts steps that are recorded more than once, ``lost`` tasks that did not end.
    """

    contender: str
    in_flight: int
    seconds: float | None
    lost: int
    doubled: int


def recoveries(ground: Ground, survivors: tuple[Survivor, ...], *, count: int) -> Iterator[Recovery | Failure]:
    """Kill each survivor in each round."""
    for number in range(count):
        for survivor in survivors if number % 2 == 0 else reversed(survivors):
            try:
                recovery = _recover(ground, survivor)
            except (ContenderBroken, psycopg.Error) as error:
                yield failed(ground, survivor.name, error)
                continue
            ground.console.print(
                f"{survivor.title}: killed with {recovery.in_flight} in flight, all done after "
                f"{recovery.seconds and round(recovery.seconds, 2)} s, {recovery.lost} lost, {recovery.doubled} doubled"
            )
            yield recovery


def _recover(ground: Ground, survivor: Survivor) -> Recovery:
    forget_counts(ground.redis_url)
    with (
        ground.server() as server,
        empty_database(server, ground.server_url, ground.database) as database_url,
        tempfile.TemporaryDirectory(prefix="a2a-bench-") as folder,
        _queue(ground) as queue,
    ):
        surroundings = environment(
            database_url=database_url, redis_url=ground.redis_url, agents_url=ground.agents_url, folder=folder
        ) | {"BENCH_BROKER_URL": ground.rabbitmq_url, "BENCH_QUEUE": queue}
        stage = _Stage(survivor, surroundings, Path(folder) / "log", database_url)
        set_tempo(ground.agents_url, delay_ms=_SLOW_MS)
        if survivor.submits_apart:
            stage.submit()
        with stage.working(TASKS):
            stage.await_the_middle()
        in_flight = TASKS - stage.count(survivor.done)
        set_tempo(ground.agents_url, delay_ms=_QUICK_MS)
        began = time.perf_counter()
        with stage.working(0):
            seconds = stage.await_the_end(began)
        return Recovery(
            contender=survivor.name,
            in_flight=in_flight,
            seconds=seconds,
            lost=TASKS - stage.count(survivor.done),
            doubled=stage.count(
                f"SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM {survivor.steps} s "
                "GROUP BY task_id, agent) doubled"
            ),
        )


@contextlib.contextmanager
def _queue(ground: Ground) -> Iterator[str]:
    """Give the name of a queue of this run's own, and delete it at the end."""
    name = ground.database
    yield name
    with contextlib.suppress(pika.exceptions.AMQPError, OSError):
        connection = pika.BlockingConnection(pika.URLParameters(ground.rabbitmq_url))
        channel = connection.channel()
        for queue in (name, f"{name}.DQ", f"{name}.XQ"):
            channel.queue_delete(queue)
        connection.close()


class _Stage:
    """Where a survivor works, is watched and killed."""

    def __init__(self, survivor: Survivor, surroundings: dict[str, str], log: Path, database_url: str) -> None:
        self._survivor = survivor
        self._environment = surroundings
        self._log = log
        self._database_url = database_url
        self._process: subprocess.Popen[bytes] | None = None

    def submit(self) -> None:
        with self._log.open("a") as log:
            ended = subprocess.run(
                self._command("submit", TASKS), check=False, cwd=ROOT, env=self._environment, stderr=log
            )
        if ended.returncode:
            raise self._broken("submitting")

    @contextlib.contextmanager
    def working(self, tasks: int) -> Iterator[None]:
        """Run the workers, and kill all their processes at the end of the block."""
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                self._command("work", tasks),
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield
        finally:
            pids = family(self._process.pid)
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait()

    def await_the_middle(self) -> None:
        """Wait until all tasks are submitted and many steps recorded. Raises ContenderBroken."""
        latest = time.perf_counter() + _LONGEST_START_SECONDS
        while self.count(self._survivor.submitted) < TASKS or not self._steps():
            self._check(latest)
        latest = time.perf_counter() + _LONGEST_BEFORE_THE_KILL_SECONDS
        while self._steps() < _STEPS_BEFORE_THE_KILL and time.perf_counter() < latest:
            time.sleep(_PAUSE_SECONDS)

    def await_the_end(self, began: float) -> float | None:
        """Return how long it took until all were done, None where they are not in time."""
        while self.count(self._survivor.done) < TASKS:
            if time.perf_counter() - began > _LONGEST_RECOVERY_SECONDS:
                return None
            self._check(began + 2 * _LONGEST_RECOVERY_SECONDS)
        return time.perf_counter() - began

    def count(self, statement: str) -> int:
        """Return the number that the statement finds, 0 while its table is not there yet."""
        with psycopg.connect(self._database_url, autocommit=True) as connection:
            try:
                row = connection.execute(statement.encode()).fetchone()
            except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
                return 0
        return int(row[0]) if row else 0

    def _steps(self) -> int:
        return self.count(f"SELECT count(*) FROM {self._survivor.steps} s")

    def _check(self, latest: float) -> None:
        assert self._process is not None
        if self._process.poll() is not None or time.perf_counter() > latest:
            raise self._broken("working")
        time.sleep(_PAUSE_SECONDS)

    def _command(self, part: str, tasks: int) -> list[str]:
        return [self._survivor.python, "-m", self._survivor.module, part, str(tasks)]

    def _broken(self, at: str) -> ContenderBroken:
        end = self._log.read_text(encoding="utf-8", errors="replace")[-3000:]
        return ContenderBroken(f"it broke at {at}\n{end}".strip())
