"""What a worker holds after many tasks: it should be what it held after a few."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.contenders import OURS, empty_database
from benchmarks.contest import Order
from benchmarks.measure import resident_mb
from benchmarks.rounds import Ground

MARKS = (20_000, 40_000, 60_000, 80_000, 100_000)
_LAP = 2_500


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What the worker process held (resident, MB) after so many tasks."""

    tasks: int
    resident_mb: float


def memory_marks(ground: Ground, *, marks: tuple[int, ...] = MARKS) -> Iterator[Mark]:
    """Have one worker process do the chain of three at 128 in flight; read it at each mark. Raises ContenderBroken."""
    with (
        ground.server() as server,
        empty_database(server, ground.server_url, ground.database) as database_url,
        ground.contender(OURS, database_url) as process,
    ):
        done = 0
        for mark in marks:
            while done < mark:
                tasks = min(_LAP, mark - done)
                process.lap(Order(shape="chain", delay_ms=0, tasks=tasks, in_flight=128))
                done += tasks
            found = Mark(tasks=done, resident_mb=resident_mb(process.pid))
            ground.console.print(f"after {done:,} tasks: {found.resident_mb:.1f} MB")
            yield found
