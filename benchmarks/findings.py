"""Everything that a run has found, and the document that keeps it (results.json)."""

import json
import os
import platform
import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.bars import bars
from benchmarks.contenders import CONTENDERS
from benchmarks.finished import EMPTY, FULL
from benchmarks.memory import Mark
from benchmarks.recovery import SURVIVORS, Recovery
from benchmarks.rounds import Failure
from benchmarks.runs import Course, Result

FIGURES = ("per_second", "p50_ms", "p99_ms", "cpu_ms", "write_transactions", "strangers_per_second", "peak_mb")
TITLES = {each.name: each.title for each in (*CONTENDERS, EMPTY, FULL)}
Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """What benchmarks/parked.py says of itself."""

    figures: dict[str, Any]


Found = Result | Recovery | Mark | Parked | Failure


@dataclass(kw_only=True)
class Findings:
    """Grows while a run goes on."""

    rounds: int
    seconds: float
    history_tasks: int
    laps: list[Result] = field(default_factory=list)
    history: list[Result] = field(default_factory=list)
    recoveries: list[Recovery] = field(default_factory=list)
    memory: list[Mark] = field(default_factory=list)
    parked: dict[str, Any] | None = None
    failures: list[Failure] = field(default_factory=list)
    minutes: float = 0.0
    finished: bool = False

    def take(self, found: Found) -> None:
        """Put what has just been found where it belongs."""
        match found:
            case Result(contender=EMPTY.name | FULL.name):
                self.history.append(found)
            case Result():
                self.laps.append(found)
            case Recovery():
                self.recoveries.append(found)
            case Mark():
                self.memory.append(found)
            case Parked(figures=figures):
                self.parked = figures
            case Failure():
                self.failures.append(found)

    def document(self) -> Document:
        """Return all of it as JSON, medians and bars included."""
        document = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()},
            "rounds": self.rounds,
            "seconds_a_lap": self.seconds,
            "minutes": round(self.minutes, 1),
            "medians": _medians(self.laps),
            "history": {"tasks": self.history_tasks, "medians": _medians(self.history)},
            "recovery": _recoveries(self.recoveries),
            "memory": [asdict(mark) for mark in self.memory],
            "parked": self.parked,
            "failures": [asdict(failure) for failure in dict.fromkeys(self.failures)],
        }
        document["bars"] = [asdict(bar) for bar in bars(document)]
        document["laps"] = [asdict(result) for result in (*self.laps, *self.history)]
        document["recoveries"] = [asdict(recovery) for recovery in self.recoveries]
        return document


def save(document: Document, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _medians(results: Iterable[Result]) -> list[dict[str, Any]]:
    """Return the median of each figure over the rounds, one entry for each course and contender."""
    gathered: dict[tuple[Course, str], list[Result]] = defaultdict(list)
    for result in results:
        gathered[result.course, result.contender].append(result)
    return [
        {**asdict(course), "course": course.title, "contender": name, "title": TITLES[name], **_median(rounds)}
        for (course, name), rounds in gathered.items()
    ]


def _median(rounds: list[Result]) -> dict[str, float]:
    figures = {figure: statistics.median(getattr(each, figure) for each in rounds) for figure in FIGURES}
    parts = {
        f"cpu_{part}_ms": statistics.median(each.cpu_parts_ms[part] for each in rounds)
        for part in rounds[0].cpu_parts_ms
    }
    return figures | parts | {"rounds": len(rounds)}


def _recoveries(recoveries: list[Recovery]) -> list[dict[str, Any]]:
    """Return for each survivor the median time, and the worst of all else. A round that never ended has no median."""
    found = []
    for survivor in SURVIVORS:
        own = [recovery for recovery in recoveries if recovery.contender == survivor.name]
        if own:
            ended = [recovery.seconds for recovery in own if recovery.seconds is not None]
            found.append(
                {
                    "contender": survivor.name,
                    "title": survivor.title,
                    "in_flight": min(recovery.in_flight for recovery in own),
                    "seconds": statistics.median(ended) if len(ended) == len(own) else None,
                    "lost": max(recovery.lost for recovery in own),
                    "doubled": max(recovery.doubled for recovery in own),
                    "rounds": len(own),
                }
            )
    return found
