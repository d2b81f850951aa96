"""What a long history costs: the chain with a million finished tasks in the tables, against the same with none."""

from collections.abc import Iterator

from benchmarks.contenders import OURS, Contender, empty_database
from benchmarks.contest import Order
from benchmarks.history import copy_tasks, settle_down
from benchmarks.rounds import Ground, lap
from benchmarks.runs import Course, Result

FINISHED_TASKS = 1_000_000
COURSE = Course(shape="chain", delay_ms=0, in_flight=128)
EMPTY = Contender(name="empty", title="ours, empty tables", module=OURS.module, is_peer=False)
FULL = Contender(name="full", title="ours, long history", module=OURS.module, is_peer=False)


def history_laps(ground: Ground, *, tasks: int, count: int) -> Iterator[Result]:
    """Fill one database, then run the course in it and in an empty one, in turns. Raises ContenderBroken."""
    with (
        ground.server() as server,
        empty_database(server, ground.server_url, f"{ground.database}_full") as full_url,
    ):
        _fill(ground, full_url, tasks=tasks)
        for number in range(count):
            pair = (EMPTY, FULL) if number % 2 == 0 else (FULL, EMPTY)
            for contender in pair:
                yield from _run(ground, contender, full_url=full_url)


def _fill(ground: Ground, full_url: str, *, tasks: int) -> None:
    with ground.contender(OURS, full_url) as process:
        for delay_ms in (0, 50):
            process.lap(Order(shape="chain", delay_ms=delay_ms, tasks=2, in_flight=1))
    written = copy_tasks(full_url, tasks=tasks)
    settle_down(full_url)
    ground.console.print(f"{tasks:,} finished tasks: {written:,} rows")


def _run(ground: Ground, contender: Contender, *, full_url: str) -> Iterator[Result]:
    with ground.server() as server:
        if contender is FULL:
            yield _lap(ground, contender, full_url, meters_of=f"{ground.database}_full")
            return
        with empty_database(server, ground.server_url, ground.database) as database_url:
            yield _lap(ground, contender, database_url, meters_of=ground.database)


def _lap(ground: Ground, contender: Contender, database_url: str, *, meters_of: str) -> Result:
    with ground.server() as server, ground.contender(contender, database_url) as process:
        meters = ground.meters(server, meters_of)
        return lap(ground, process, contender, COURSE, meters=meters, database_url=database_url)
