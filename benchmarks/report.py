"""The figures as tables in the terminal and as benchmarks/results.json: medians of the rounds, and ratios to ours."""

import json
import os
import platform
import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.contenders import CONTENDERS, OURS
from benchmarks.runs import Course, Result

RESULTS = Path(__file__).with_name("results.json")
FIGURES = ("per_second", "p50_ms", "p99_ms", "cpu_ms", "write_transactions", "peak_mb")
_CAPTION = (
    "ours: our tasks/s over theirs. p50, p99: ms. CPU (own + PG + Redis), agents: ms a task. tx: writing, a task."
)
Medians = dict[str, float]


def medians_of(results: Iterable[Result]) -> dict[Course, dict[str, Medians]]:
    """Return the median of each figure over the rounds, by course and contender."""
    gathered: dict[Course, dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        gathered[result.course][result.contender].append(result)
    return {
        course: {name: _medians(rounds) for name, rounds in by_contender.items()}
        for course, by_contender in gathered.items()
    }


def _medians(rounds: list[Result]) -> Medians:
    figures = {figure: statistics.median(getattr(each, figure) for each in rounds) for figure in FIGURES}
    parts = {
        f"cpu_{part}_ms": statistics.median(each.cpu_parts_ms[part] for each in rounds)
        for part in rounds[0].cpu_parts_ms
    }
    return figures | parts | {"rounds": float(len(rounds))}


def show(results: Iterable[Result], console: Console) -> None:
    """Print one table for each course."""
    for course, by_contender in medians_of(results).items():
        console.print(_table(course, by_contender))


def _table(course: Course, by_contender: dict[str, Medians]) -> Table:
    table = Table(title=course.title, title_justify="left", caption=_CAPTION, caption_justify="left")
    table.add_column("")
    for heading in ("tasks/s", "ours", "p50", "p99", "CPU", "own", "PG", "Redis", "agents", "tx", "MB"):
        table.add_column(heading, justify="right")
    for contender in CONTENDERS:
        if (figures := by_contender.get(contender.name)) is not None:
            table.add_row(contender.title, *_cells(figures, by_contender.get(_paired(contender.name))))
    return table


def _paired(name: str) -> str:
    """Return which of our two ways a peer is held against: over REST those that are asked over HTTP."""
    over_http = {contender.name for contender in CONTENDERS if contender.asks_over_http}
    return "rest" if name in over_http else OURS.name


def _cells(figures: Medians, ours: Medians | None) -> list[str]:
    ratio = "" if ours is None or figures is ours else f"{ours['per_second'] / figures['per_second']:.1f} x"
    return [
        f"{figures['per_second']:.0f}",
        ratio,
        f"{figures['p50_ms']:.1f}",
        f"{figures['p99_ms']:.1f}",
        *(f"{figures[f'cpu_{part}ms']:.2f}" for part in ("", "product_", "postgres_", "redis_", "agents_")),
        f"{figures['write_transactions']:.2f}",
        f"{figures['peak_mb']:.0f}",
    ]


def save(results: list[Result]) -> None:
    """Write every lap and the medians to results.json."""
    medians = [
        {**asdict(course), "contender": name, **figures}
        for course, by_contender in medians_of(results).items()
        for name, figures in by_contender.items()
    ]
    document = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()},
        "medians": medians,
        "laps": [asdict(result) for result in results],
    }
    RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
