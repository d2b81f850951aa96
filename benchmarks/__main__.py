"""`make bench`: the same work by us and by our peers, paired in one run.

    python -m benchmarks                                              # everything
    python -m benchmarks --only ours,dramatiq --courses 2             # two contenders, one course
    python -m benchmarks --sections recovery,memory --rounds 1
    python -m benchmarks --quick                                      # does it all run? figures mean nothing

Needs PostgreSQL in DATABASE_URL with the right to create databases, Redis in REDIS_URL, and for the recovery of those
who want it RabbitMQ in BROKER_URL (amqp://). A whole run is kept in benchmarks/results.json and shown in
docs/performance.md; any other in var/bench/results.json.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator

import psycopg
from rich.console import Console

from benchmarks import finished, memory, pages, recovery, report
from benchmarks.agents import agents_running
from benchmarks.contenders import (
    CONTENDERS,
    OURS,
    ROOT,
    Contender,
    ContenderBroken,
    compile_own,
    empty_database,
    environment,
    install_peers,
)
from benchmarks.findings import Findings, Found, Parked, save
from benchmarks.rounds import COURSES, Failure, Ground, failed, rounds

SECTIONS = ("contest", "recovery", "history", "memory", "parked")
_PARKED = ROOT / "benchmarks" / "parked.py"
_QUICK_PART = 50
_PARTIAL = ROOT / "var" / "bench" / "results.json"


def main() -> None:
    """Run what is asked for; what has been measured until an interruption is shown and kept too."""
    options = _options()
    # So that databases, queues and processes are cleared away then too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("benchmarks: told to end"))
    if not _server_url().startswith("postgres"):
        sys.exit("benchmarks: DATABASE_URL must name a PostgreSQL server")
    compile_own()
    console = Console(width=max(Console().width, 120))
    contenders, survivors, failures = _those_installed(_chosen(options))
    findings = Findings(
        rounds=options.rounds, seconds=options.seconds, history_tasks=options.history, failures=failures
    )
    began = time.monotonic()
    try:
        with agents_running() as (agents_url, agents_pid):
            ground = Ground(
                server_url=_server_url(),
                redis_url=os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/9"),
                rabbitmq_url=_rabbitmq_url(),
                agents_url=agents_url,
                agents_pid=agents_pid,
                seconds=options.seconds,
                console=console,
            )
            _run(ground, options, contenders, survivors, findings)
        findings.finished = True
    finally:
        findings.minutes = (time.monotonic() - began) / 60
        document = findings.document()
        report.show(document, console)
        whole = findings.finished and _is_whole(options)
        save(document, pages.RESULTS if whole else _PARTIAL)
        if whole:
            pages.write(document)
        console.print(f"{findings.minutes:.0f} minutes; every lap is in {pages.RESULTS if whole else _PARTIAL}")


def _run(
    ground: Ground,
    options: argparse.Namespace,
    contenders: list[Contender],
    survivors: tuple[recovery.Survivor, ...],
    findings: Findings,
) -> None:
    """Run the sections, one after the other; one that breaks must not cost the others."""
    courses = [COURSES[int(number)] for number in options.courses.split(",") if number] or list(COURSES)
    marks = tuple(mark // (_QUICK_PART if options.quick else 1) for mark in memory.MARKS)
    sections: dict[str, Callable[[], Iterable[Found]]] = {
        "contest": lambda: rounds(ground, contenders, courses, count=options.rounds),
        "recovery": lambda: recovery.recoveries(ground, survivors, count=options.rounds),
        "history": lambda: finished.history_laps(ground, tasks=options.history, count=options.rounds),
        "memory": lambda: memory.memory_marks(ground, marks=marks),
        "parked": lambda: _parked(ground),
    }
    for name in options.sections.split(","):
        try:
            for found in sections[name]():
                findings.take(found)
        except (ContenderBroken, psycopg.Error, OSError, subprocess.SubprocessError, ValueError) as error:
            findings.take(failed(ground, name, error))


def _parked(ground: Ground) -> Iterator[Parked]:
    """Run the benchmark of parked hops, where there is one, in a database of its own, and take over its JSON."""
    if not _PARKED.exists():
        return
    with (
        ground.server() as server,
        empty_database(server, ground.server_url, ground.database) as database_url,
        tempfile.TemporaryDirectory(prefix="a2a-bench-") as folder,
    ):
        surroundings = environment(
            database_url=database_url, redis_url=ground.redis_url, agents_url=ground.agents_url, folder=folder
        )
        command = [sys.executable, "-m", "benchmarks.parked"]
        said = subprocess.run(command, cwd=ROOT, env=surroundings, check=True, stdout=subprocess.PIPE, text=True)
    # Whatever it prints for people, its figures are one JSON object: from a line that opens it to the end.
    lines = said.stdout.strip().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("{"))
    yield Parked(figures=json.loads("\n".join(lines[start:])))


def _those_installed(
    contenders: list[Contender],
) -> tuple[list[Contender], tuple[recovery.Survivor, ...], list[Failure]]:
    """Return who can take part, and why the peers cannot, where they could not be installed."""
    names = {contender.name for contender in contenders}
    survivors = tuple(survivor for survivor in recovery.SURVIVORS if survivor.name in names)
    try:
        if any(contender.is_peer for contender in contenders):
            install_peers()
    except ContenderBroken as error:
        failures = [Failure(contender=each.name, why=str(error)[:200]) for each in contenders if each.is_peer]
        ours = [each for each in contenders if not each.is_peer]
        return ours, tuple(each for each in survivors if each.name == OURS.name), failures
    return contenders, survivors, []


def _chosen(options: argparse.Namespace) -> list[Contender]:
    names = {name for name in options.only.split(",") if name}
    if unknown := names - {contender.name for contender in CONTENDERS}:
        sys.exit(f"benchmarks: there is no contender {', '.join(sorted(unknown))}")
    return [contender for contender in CONTENDERS if not names or contender.name in names]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="about how long each lap takes")
    parser.add_argument(
        "--history", type=int, default=finished.FINISHED_TASKS, help="how many finished tasks the tables hold"
    )
    parser.add_argument("--only", default="", help="names of contenders, with commas")
    parser.add_argument("--sections", default=",".join(SECTIONS), help="with commas (all)")
    parser.add_argument("--quick", action="store_true", help="one short round of everything")
    parser.add_argument(
        "--courses",
        default="",
        help="their numbers, with commas: "
        + "; ".join(f"{number} {course.title}" for number, course in enumerate(COURSES)),
    )
    options = parser.parse_args()
    if unknown := set(options.sections.split(",")) - set(SECTIONS):
        parser.error(f"there is no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    if not all(number.isdecimal() and int(number) < len(COURSES) for number in options.courses.split(",") if number):
        parser.error(f"courses are numbers from 0 to {len(COURSES) - 1}")
    if options.quick:
        options.rounds, options.seconds, options.history = 1, 0.3, 2_000
    return options


def _is_whole(options: argparse.Namespace) -> bool:
    """Tell whether the figures are worth keeping: nothing left out, and three rounds at least."""
    everything = not (options.only or options.courses or options.quick) and options.sections == ",".join(SECTIONS)
    return everything and options.rounds >= pages.LEAST_ROUNDS and options.history == finished.FINISHED_TASKS


def _server_url() -> str:
    return os.environ.get("DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")


def _rabbitmq_url() -> str:
    url = os.environ.get("BROKER_URL", "")
    return url if url.startswith("amqp") else "amqp://guest:guest@127.0.0.1:5672/"


if __name__ == "__main__":
    main()
