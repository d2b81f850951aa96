"""Laps: one contender doing one order, with all meters read before and after."""

import statistics
import time
from dataclasses import dataclass

from benchmarks.contenders import Contender, Running
from benchmarks.contest import Lap, Order
from benchmarks.measure import Meters, family, peak_mb, spent

_REST_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What is run: shape, delay of the agents in ms, tasks in flight."""

    shape: str
    delay_ms: int
    in_flight: int

    @property
    def title(self) -> str:
        if self.shape == "ingress":
            return f"ingress, {self.in_flight} in flight"
        shape = {"chain": "chain of three", "fanout": "fan-out of ten"}[self.shape]
        return f"{shape}, {self.delay_ms} ms agents, {self.in_flight} in flight"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One lap in figures. CPU is in ms per task, by part; agents, the client and other databases stand apart.

    ``write_transactions`` holds those of other databases too: exact on a server of one's own, else at most. What the
    server drew at rest, per second, stands beside it.
    """

    contender: str
    course: Course
    tasks: int
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    cpu_parts_ms: dict[str, float]
    write_transactions: float
    strangers_per_second: float
    peak_mb: float


def run_lap(running: Running, contender: Contender, course: Course, *, tasks: int, meters: Meters) -> Result:
    """Run one lap between two readings of the meters."""
    client = running.pid if contender.asks_over_http else None
    at_rest = meters.transaction_ids()
    time.sleep(_REST_SECONDS)
    pids = family(running.pid)
    before = meters.read(pids, client=client)
    strangers_per_second = (before.transaction_ids - at_rest) / _REST_SECONDS
    lap = running.lap(Order(shape=course.shape, delay_ms=course.delay_ms, tasks=tasks, in_flight=course.in_flight))
    after = meters.read(family(running.pid), client=client)
    parts = {part: seconds * 1000 / tasks for part, seconds in spent(before, after).items()}
    ids = after.transaction_ids - before.transaction_ids
    return Result(
        contender=contender.name,
        course=course,
        tasks=tasks,
        per_second=tasks / lap.seconds,
        p50_ms=statistics.median(lap.latencies_ms),
        p99_ms=percentile(lap, 0.99),
        cpu_ms=parts["product"] + parts["postgres"] + parts["redis"],
        cpu_parts_ms=parts,
        write_transactions=ids / tasks,
        strangers_per_second=strangers_per_second,
        peak_mb=sum(peak_mb(pid) for pid in family(running.pid) if pid != client),
    )


def percentile(lap: Lap, share: float) -> float:
    """Return the latency that this share of the tasks stayed under, in ms."""
    ordered = sorted(lap.latencies_ms)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def tasks_for(course: Course, *, per_second: float, seconds: float) -> int:
    """Return how many tasks fill about so many seconds, and enough for each of the runners to have its turns."""
    turns = 3 if seconds >= 1 else 1
    return max(int(per_second * seconds), course.in_flight * turns, 20)
