"""The figures in docs/performance.md, between its two marks, and the chart beside it: written from results.json.

python -m benchmarks.pages
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks import chart
from benchmarks.contenders import ROOT
from benchmarks.findings import TITLES, Document
from benchmarks.report import by_course, paired

RESULTS = ROOT / "benchmarks" / "results.json"
PAGE = ROOT / "docs" / "performance.md"
CHART = ROOT / "docs" / "performance.svg"
BEGIN, END = "<!-- figures: begin (python -m benchmarks.pages) -->", "<!-- figures: end -->"
# Of so many rounds a median says something.
LEAST_ROUNDS = 3
_MET = {True: "met", False: "**not met**", None: ""}


def write(document: Document) -> None:
    """Put the document's figures into the page and draw the chart. Raises ValueError where the page has no marks."""
    before, begin, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE} has lost the marks {BEGIN} and {END}")
    PAGE.write_text(f"{before}{BEGIN}\n\n{figures(document)}\n{END}{after}", encoding="utf-8")
    CHART.write_text(chart.svg(chart.panels(document["medians"])), encoding="utf-8")


def figures(document: Document) -> str:
    """Return the figures as Markdown."""
    machine = document["machine"]
    parts = [
        f"## Figures of {document['at'][:10]}",
        (
            f"{machine['cpus']} virtual cores, Python {machine['python']}, medians of {document['rounds']} rounds, "
            f"{document['minutes']:.0f} minutes in all."
        ),
        *_rehearsal(document["rounds"]),
        "### The bars",
        _table(("", "asked", "reached", ""), _bar_rows(document["bars"])),
        *_failed(document["failures"]),
        *(
            part
            for title, rows in by_course(document["medians"])
            for part in (f"### {title[0].upper()}{title[1:]}", _course(rows))
        ),
        *_others(document),
    ]
    return "\n\n".join(parts) + "\n"


def _rehearsal(rounds: int) -> Iterator[str]:
    if rounds < LEAST_ROUNDS:
        yield "**A rehearsal on a busy machine, with fewer rounds than it takes: rely on no figure of it.**"


def _bar_rows(bars: Iterable[Mapping[str, Any]]) -> Iterator[Sequence[str]]:
    return ((bar["what"], bar["asked"], bar["reached"], _MET[bar["met"]]) for bar in bars)


def _failed(failures: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if failures:
        rows = ((TITLES.get(each["contender"], each["contender"]), f"failed: {each['why']}") for each in failures)
        yield _table(("", ""), rows)


def _course(rows: list[Mapping[str, Any]]) -> str:
    headings = (
        *("", "tasks/s", "ours against it", "p50 ms", "p99 ms", "CPU ms/task", "own + PostgreSQL + Redis"),
        *("write tx/task", "peak MB"),
    )
    return _table(headings, (_lap_row(row, paired(row, rows)) for row in rows))


def _lap_row(row: Mapping[str, Any], ratio: float | None) -> Sequence[str]:
    return (
        row["title"],
        f"{row['per_second']:.0f}",
        "" if ratio is None else f"{ratio:.1f}x",
        f"{row['p50_ms']:.1f}",
        f"{row['p99_ms']:.1f}",
        f"{row['cpu_ms']:.1f}",
        f"{row['cpu_product_ms']:.1f} + {row['cpu_postgres_ms']:.1f} + {row['cpu_redis_ms']:.1f}",
        f"{row['write_transactions']:.2f}",
        f"{row['peak_mb']:.0f}",
    )


def _others(document: Document) -> Iterator[str]:
    history = document["history"]
    if history["medians"]:
        yield f"### Chain of three, 128 in flight, {history['tasks']:,} finished tasks in the tables or none"
        yield _course(history["medians"])
    if document["recovery"]:
        yield "### `kill -9` of all workers"
        yield _table(
            ("", "in flight", "all done after", "tasks lost", "steps recorded twice"),
            (
                (
                    row["title"],
                    str(row["in_flight"]),
                    "never" if row["seconds"] is None else f"{row['seconds']:.2f} s",
                    str(row["lost"]),
                    str(row["doubled"]),
                )
                for row in document["recovery"]
            ),
        )
    if document["memory"]:
        yield "### Memory of a worker"
        marks = ((f"{mark['tasks']:,}", f"{mark['resident_mb']:.1f}") for mark in document["memory"])
        yield _table(("tasks done", "resident MB"), marks)
    if document["parked"]:
        yield "### Parked hops"
        yield _table(("", ""), ((str(name), str(figure)) for name, figure in document["parked"].items()))


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    write(json.loads(RESULTS.read_text(encoding="utf-8")))
