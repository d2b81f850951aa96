"""The rounds of the contest: every contender on every course, in turns from the front and from the back."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from rich.console import Console
from rich.markup import escape

from benchmarks.contenders import Contender, ContenderBroken, Running, empty_database, running
from benchmarks.contest import Order
from benchmarks.measure import Meters, RedisCpu
from benchmarks.runs import Course, Result, run_lap, tasks_for

COURSES = (
    Course(shape="chain", delay_ms=0, in_flight=1),
    Course(shape="chain", delay_ms=0, in_flight=16),
    Course(shape="chain", delay_ms=0, in_flight=128),
    Course(shape="chain", delay_ms=50, in_flight=16),
    Course(shape="chain", delay_ms=50, in_flight=128),
    Course(shape="fanout", delay_ms=0, in_flight=4),
    Course(shape="ingress", delay_ms=0, in_flight=64),
)
_WARM_UP_TASKS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The servers and the agents that every contender meets."""

    server_url: str
    redis_url: str
    rabbitmq_url: str
    agents_url: str
    agents_pid: int
    seconds: float
    console: Console

    @property
    def database(self) -> str:
        """Return the name of this run's databases, made anew for each contender."""
        return f"a2a_bench_{os.getpid()}"

    @contextmanager
    def server(self) -> Iterator[psycopg.Connection]:
        with psycopg.connect(self.server_url, autocommit=True) as server:
            yield server

    def meters(self, server: psycopg.Connection, database: str) -> Meters:
        return Meters(server=server, database=database, agents_pid=self.agents_pid, redis_cpu=RedisCpu(self.redis_url))

    @contextmanager
    def contender(self, contender: Contender, database_url: str) -> Iterator[Running]:
        with running(
            contender, database_url=database_url, redis_url=self.redis_url, agents_url=self.agents_url
        ) as process:
            yield process


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A contender that could not do its part, and why, in one line."""

    contender: str
    why: str


def rounds(
    ground: Ground, contenders: Sequence[Contender], courses: Sequence[Course], *, count: int
) -> Iterator[Result | Failure]:
    """Run every contender in each round; one that breaks is told of, and left out of that round."""
    for number in range(count):
        for contender in contenders if number % 2 == 0 else reversed(contenders):
            own = [
                course
                for course in courses
                if contender.runs(shape=course.shape, delay_ms=course.delay_ms, in_flight=course.in_flight)
            ]
            if not own:
                continue
            try:
                yield from _compete(ground, contender, own)
            except ContenderBroken as error:
                yield failed(ground, contender.name, error)


def failed(ground: Ground, name: str, error: Exception) -> Failure:
    """Show all that is known of the failure, and return it in one line."""
    ground.console.print(f"[red]{name}: failed: {escape(str(error))}[/red]")
    return Failure(contender=name, why=(str(error).strip().splitlines() or [type(error).__name__])[-1][:200])


def _compete(ground: Ground, contender: Contender, courses: Sequence[Course]) -> Iterator[Result]:
    with (
        ground.server() as server,
        empty_database(server, ground.server_url, ground.database) as database_url,
        ground.contender(contender, database_url) as process,
    ):
        meters = ground.meters(server, ground.database)
        for course in courses:
            yield lap(ground, process, contender, course, meters=meters, database_url=database_url)


def lap(
    ground: Ground, process: Running, contender: Contender, course: Course, *, meters: Meters, database_url: str
) -> Result:
    """Warm the contender up, then measure it for about the ground's seconds."""
    warm_up = Order(shape=course.shape, delay_ms=course.delay_ms, tasks=_WARM_UP_TASKS, in_flight=course.in_flight)
    per_second = _WARM_UP_TASKS / process.lap(warm_up).seconds
    # PostgreSQL plans by what it knows of the tables; a running installation has been analysed by then.
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ANALYZE")
    tasks = tasks_for(course, per_second=per_second, seconds=ground.seconds)
    result = run_lap(process, contender, course, tasks=tasks, meters=meters)
    ground.console.print(
        f"{contender.title}: {course.title}: {result.per_second:.0f}/s, "
        f"p50 {result.p50_ms:.1f} ms, CPU {result.cpu_ms:.2f} ms"
    )
    return result
