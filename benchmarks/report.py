"""The document of a run as tables in the terminal."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.findings import TITLES, Document

_CAPTION = (
    "ours: our tasks/s over theirs. p50, p99: ms. CPU (own + PG + Redis), agents: ms a task. tx: writing, a task."
)
_OVER_REST = {"rest", "a2a-rest", "dbos-rest", "langgraph-rest"}
_ORDER = list(TITLES)


def show(document: Document, console: Console) -> None:
    """Print one table for each course, then the recoveries, what failed, and the bars."""
    for title, rows in by_course(document["medians"]):
        console.print(_course_table(title, rows))
    if document["history"]["medians"]:
        title = f"chain of three, 128 in flight, {document['history']['tasks']:,} finished tasks in the tables or none"
        console.print(_course_table(title, document["history"]["medians"]))
    if document["recovery"]:
        console.print(_recovery_table(document["recovery"]))
    for mark in document["memory"]:
        console.print(f"Memory of a worker after {mark['tasks']:,} tasks: {mark['resident_mb']:.1f} MB")
    for failure in document["failures"]:
        name = TITLES.get(failure["contender"], failure["contender"])
        console.print(f"[red]{name}: failed: {escape(failure['why'])}[/red]")
    console.print(_bars_table(document["bars"]))


def by_course(medians: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """Return the rows of each course, in the order of the contenders."""
    order = {title: number for number, title in enumerate(dict.fromkeys(row["course"] for row in medians))}
    rows = sorted(medians, key=lambda row: (order[row["course"]], _ORDER.index(row["contender"])))
    for title, group in groupby(rows, key=lambda row: row["course"]):
        yield str(title), list(group)


def paired(row: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> float | None:
    """Return our tasks/s over this contender's: over REST against those asked so; None for ours itself."""
    over_rest = row["contender"] in _OVER_REST or row["shape"] == "ingress"
    ours = next((each for each in rows if each["contender"] == ("rest" if over_rest else "ours")), None)
    return None if ours is None or ours is row else ours["per_second"] / row["per_second"]


def _course_table(title: str, rows: list[Mapping[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left", caption=_CAPTION, caption_justify="left")
    table.add_column("")
    for heading in ("tasks/s", "ours", "p50", "p99", "CPU", "own", "PG", "Redis", "agents", "tx", "MB"):
        table.add_column(heading, justify="right")
    for row in rows:
        ratio = paired(row, rows)
        table.add_row(
            row["title"],
            f"{row['per_second']:.0f}",
            "" if ratio is None else f"{ratio:.1f} x",
            f"{row['p50_ms']:.1f}",
            f"{row['p99_ms']:.1f}",
            *(f"{row[f'cpu_{part}ms']:.2f}" for part in ("", "product_", "postgres_", "redis_", "agents_")),
            f"{row['write_transactions']:.2f}",
            f"{row['peak_mb']:.0f}",
        )
    return table


def _recovery_table(rows: Iterable[Mapping[str, Any]]) -> Table:
    table = Table(title="kill -9 of all workers", title_justify="left")
    for heading in ("", "in flight", "all done after", "lost", "doubled steps"):
        table.add_column(heading, justify="left" if not heading else "right")
    for row in rows:
        seconds = "never" if row["seconds"] is None else f"{row['seconds']:.2f} s"
        table.add_row(row["title"], str(row["in_flight"]), seconds, str(row["lost"]), str(row["doubled"]))
    return table


def _bars_table(rows: Iterable[Mapping[str, Any]]) -> Table:
    table = Table(title="The bars", title_justify="left")
    for heading in ("", "asked", "reached", ""):
        table.add_column(heading)
    for row in rows:
        met = {True: "[green]met[/green]", False: "[red]not met[/red]", None: ""}[row["met"]]
        table.add_row(row["what"], row["asked"], row["reached"], met)
    return table
