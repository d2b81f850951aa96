"""`make bench`: the same work by us and by our peers, paired in one run.

    python -m benchmarks [--rounds 3] [--only ours,langgraph] [--seconds 4]

Needs PostgreSQL in DATABASE_URL with the right to create databases, and Redis in REDIS_URL.
"""

import argparse
import os
import sys
from collections.abc import Iterator

import psycopg
from rich.console import Console

from benchmarks import report
from benchmarks.agents import agents_running
from benchmarks.contenders import (
    CONTENDERS,
    Contender,
    ContenderBroken,
    empty_database,
    install_peers,
    running,
)
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
)
_WARM_UP_TASKS = 40
_DATABASE = "a2a_bench"


class Bench:
    """The servers and the agents that every contender meets."""

    def __init__(
        self, *, server_url: str, redis_url: str, agents_url: str, agents_pid: int, seconds: float, console: Console
    ) -> None:
        self._server_url = server_url
        self._redis_url = redis_url
        self._agents_url = agents_url
        self._agents_pid = agents_pid
        self._seconds = seconds
        self._console = console

    def rounds(self, contenders: list[Contender], courses: list[Course], *, count: int) -> Iterator[Result]:
        """Run every contender in each round, in turns from the front and from the back."""
        for number in range(count):
            for contender in contenders if number % 2 == 0 else reversed(contenders):
                try:
                    yield from self._compete(contender, [each for each in courses if each.shape in contender.shapes])
                except ContenderBroken as error:
                    self._console.print(f"[red]{error}[/red]", markup=True)

    def _compete(self, contender: Contender, courses: list[Course]) -> Iterator[Result]:
        name = f"{_DATABASE}_{os.getpid()}"
        with (
            psycopg.connect(self._server_url, autocommit=True) as server,
            empty_database(server, self._server_url, name) as database_url,
            running(
                contender, database_url=database_url, redis_url=self._redis_url, agents_url=self._agents_url
            ) as process,
        ):
            meters = Meters(
                server=server, database=name, agents_pid=self._agents_pid, redis_cpu=RedisCpu(self._redis_url)
            )
            for course in courses:
                warm_up = Order(
                    shape=course.shape, delay_ms=course.delay_ms, tasks=_WARM_UP_TASKS, in_flight=course.in_flight
                )
                per_second = _WARM_UP_TASKS / process.lap(warm_up).seconds
                # PostgreSQL plans by what it knows of the tables; a running installation has been analysed by then.
                with psycopg.connect(database_url, autocommit=True) as connection:
                    connection.execute("ANALYZE")
                tasks = tasks_for(course, per_second=per_second, seconds=self._seconds)
                result = run_lap(process, contender, course, tasks=tasks, meters=meters)
                self._console.print(
                    f"{contender.title}: {course.title}: {result.per_second:.0f}/s, p50 {result.p50_ms:.1f} ms"
                )
                yield result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="about how long each lap takes")
    parser.add_argument("--only", default="", help="names of contenders, with commas")
    parser.add_argument(
        "--courses",
        default="",
        help="their numbers, with commas: "
        + "; ".join(f"{number} {course.title}" for number, course in enumerate(COURSES)),
    )
    options = parser.parse_args()
    server_url = os.environ.get("DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
    if not server_url.startswith("postgres"):
        sys.exit("benchmarks: DATABASE_URL must name a PostgreSQL server")
    contenders = [each for each in CONTENDERS if not options.only or each.name in options.only.split(",")]
    courses = [COURSES[int(number)] for number in options.courses.split(",") if number] or list(COURSES)
    if any(contender.is_peer for contender in contenders):
        install_peers()
    console = Console(width=max(Console().width, 120))
    with agents_running() as (agents_url, agents_pid):
        bench = Bench(
            server_url=server_url,
            redis_url=os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/9"),
            agents_url=agents_url,
            agents_pid=agents_pid,
            seconds=options.seconds,
            console=console,
        )
        results: list[Result] = []
        try:
            results.extend(bench.rounds(contenders, courses, count=options.rounds))
        finally:
            # What has been measured until an interruption is shown and kept too.
            report.show(results, console)
            report.save(results)


if __name__ == "__main__":
    main()
