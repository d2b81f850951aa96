"""The bars that the engine must clear, each with the figure that a run has reached, from results.json alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from operator import le
from typing import Any

_UNAVOIDABLE_MS = 150.0
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """``met`` is None where the run did not measure it."""

    what: str
    asked: str
    reached: str
    met: bool | None


def bars(document: Row) -> list[Bar]:
    """Return every bar in the order in which they are asked for."""
    figures = _Figures(document)
    return [
        *_at_least("chain of 3, 128 in flight, tasks/s", figures.over("ours", "per_second"), _IN_PROCESS),
        *_at_least("the same over REST, tasks/s", figures.over("rest", "per_second"), _OVER_REST),
        *_at_most("CPU per task, all processes", figures.over("ours", "cpu_ms"), _CPU),
        *_at_most("p50 at 1 in flight", figures.over("ours", "p50_ms", in_flight=1), _P50),
        _beyond_the_agents(figures, in_flight=16, most_ms=25),
        _beyond_the_agents(figures, in_flight=128, most_ms=50),
        *_at_least(
            "fan-out of 10, tasks/s",
            figures.over("ours", "per_second", shape="fanout", in_flight=4),
            {"langgraph": ("LangGraph", 2), "dbos": ("DBOS", 14)},
        ),
        _most(
            "write transactions per task at 128 in flight",
            figures.of("ours", "write_transactions"),
            most=1,
            asked="at most 1",
        ),
        *_recovery(document),
        _history(document),
        _memory(document),
    ]


_IN_PROCESS = {
    "dbos": ("DBOS", 10.0),
    "langgraph": ("LangGraph", 5.0),
    "celery": ("Celery", 5.0),
    "dramatiq": ("a raw Dramatiq chain", 2.0),
}
_OVER_REST = {"a2a-rest": ("a2a-sdk", 5.0), "dbos-rest": ("DBOS", 3.0), "langgraph-rest": ("LangGraph", 2.0)}
_CPU = {"dbos": ("DBOS", 10), "langgraph": ("LangGraph", 6), "dramatiq": ("a raw Dramatiq chain", 2)}
_P50 = {"dbos": ("DBOS", 4), "langgraph": ("LangGraph", 2)}


class _Figures:
    """Looks medians up; what was not measured is None."""

    def __init__(self, document: Row) -> None:
        self._rows = document["medians"]

    def of(
        self, contender: str, figure: str, *, shape: str = "chain", delay_ms: int = 0, in_flight: int = 128
    ) -> float | None:
        wanted = {"contender": contender, "shape": shape, "delay_ms": delay_ms, "in_flight": in_flight}
        return next((float(row[figure]) for row in self._rows if wanted.items() <= row.items()), None)

    def over(self, ours: str, figure: str, **course: Any) -> Callable[[str], float | None]:
        """Return what gives our figure over a peer's."""

        def ratio(peer: str) -> float | None:
            return _ratio(self.of(ours, figure, **course), self.of(peer, figure, **course))

        return ratio


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    return ours / theirs if ours is not None and theirs else None


def _at_least(what: str, ratio: Callable[[str], float | None], peers: Mapping[str, tuple[str, float]]) -> list[Bar]:
    return [
        _bar(what, f"at least {times:g}x {title}", ratio(peer), "{:.1f}x", met=partial(le, times))
        for peer, (title, times) in peers.items()
    ]


def _at_most(what: str, ratio: Callable[[str], float | None], peers: Mapping[str, tuple[str, float]]) -> list[Bar]:
    return [
        _bar(what, f"at most 1/{part:g} of {title}", _ratio(1.0, ratio(peer)), "1/{:.1f}", met=partial(le, part))
        for peer, (title, part) in peers.items()
    ]


def _beyond_the_agents(figures: _Figures, *, in_flight: int, most_ms: float) -> Bar:
    p50 = figures.of("ours", "p50_ms", delay_ms=50, in_flight=in_flight)
    return _bar(
        f"50 ms agents, {in_flight} in flight, p50 over the unavoidable 150 ms",
        f"at most {most_ms:g} ms",
        None if p50 is None else p50 - _UNAVOIDABLE_MS,
        "{:.1f} ms",
        met=lambda got: got <= most_ms,
    )


def _recovery(document: Row) -> list[Bar]:
    found = {row["contender"]: row for row in document["recovery"]}
    ours, dbos = found.get("ours"), found.get("dbos")
    what = "kill -9 of all workers, 200 in flight"
    harm = ours and (ours["lost"], ours["doubled"])
    unharmed = Bar(
        what=what,
        asked="0 lost, 0 doubled",
        reached=f"{harm[0]} lost, {harm[1]} doubled" if harm else "not measured",
        met=harm == (0, 0) if harm else None,
    )
    ratio = _ratio(dbos and dbos["seconds"], ours and ours["seconds"])
    soon = _bar(
        f"{what}, time until all are done",
        "at most 1/4 of DBOS",
        ratio,
        "1/{:.1f}",
        met=lambda got: got >= 4,
    )
    return [unharmed, soon]


def _history(document: Row) -> Bar:
    history = document["history"]
    cost = {row["contender"]: row["cpu_ms"] for row in history["medians"]}
    return _most(
        f"CPU of a task with {history['tasks']:,} finished tasks in the tables",
        _ratio(cost.get("full"), cost.get("empty")),
        most=1.2,
        asked="at most 1.2x of an empty database",
    )


def _memory(document: Row) -> Bar:
    marks = document["memory"]
    first, last = (marks[0], marks[-1]) if marks else ({"tasks": 20_000}, {"tasks": 100_000})
    return _most(
        f"memory of a worker after {last['tasks']:,} tasks",
        _ratio(last.get("resident_mb"), first.get("resident_mb")),
        most=1.05,
        asked=f"at most 1.05x of that after {first['tasks']:,}",
    )


def _most(what: str, got: float | None, *, most: float, asked: str) -> Bar:
    return _bar(what, asked, got, "{:.2f}x" if "x of" in asked else "{:.2f}", met=lambda figure: figure <= most)


def _bar(what: str, asked: str, got: float | None, shown_as: str, *, met: Callable[[float], bool]) -> Bar:
    if got is None:
        return Bar(what=what, asked=asked, reached="not measured", met=None)
    return Bar(what=what, asked=asked, reached=shown_as.format(got), met=met(got))
