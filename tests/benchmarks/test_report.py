"""What a run of the benchmarks tells: the bars, the page and the chart come from its results alone."""

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from benchmarks import chart, pages
from benchmarks.bars import bars
from benchmarks.findings import Document, Findings
from benchmarks.memory import Mark
from benchmarks.recovery import Recovery
from benchmarks.rounds import COURSES, Failure
from benchmarks.runs import Course, Result

CHAIN_128 = Course(shape="chain", delay_ms=0, in_flight=128)


def result(contender: str, *, course: Course = CHAIN_128, per_second: float = 100.0, **figures: float) -> Result:
    settings: dict[str, Any] = {
        "tasks": 1000,
        "p50_ms": 10.0,
        "p99_ms": 20.0,
        "cpu_ms": 2.0,
        "cpu_parts_ms": {"product": 1.0, "client": 0.0, "agents": 0.1, "redis": 0.1, "postgres": 0.9},
        "write_transactions": 0.1,
        "strangers_per_second": 0.0,
        "peak_mb": 100.0,
    }
    return Result(contender=contender, course=course, per_second=per_second, **settings | figures)


def found(*things: Result | Recovery | Mark | Failure) -> Document:
    findings = Findings(rounds=3, seconds=3.0, history_tasks=1_000_000)
    for thing in things:
        findings.take(thing)
    document: Document = json.loads(json.dumps(findings.document()))
    return document


def verdicts(document: Document, asked: str) -> list[tuple[str, bool | None]]:
    return [(bar.reached, bar.met) for bar in bars(document) if bar.asked == asked]


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    assert {(bar.reached, bar.met) for bar in bars(found())} == {("not measured", None)}


@pytest.mark.parametrize(("theirs", "verdict"), [(10.0, ("10.0x", True)), (10.1, ("9.9x", False))])
def test_a_peer_is_beaten_by_as_many_times_as_is_asked(theirs: float, verdict: tuple[str, bool]) -> None:
    document = found(result("ours"), result("dbos", per_second=theirs))
    assert verdicts(document, "at least 10x DBOS") == [verdict]


def test_over_rest_ours_is_held_against_those_asked_over_rest() -> None:
    document = found(result("ours", per_second=900), result("rest"), result("a2a-rest", per_second=25))
    assert verdicts(document, "at least 5x a2a-sdk") == [("4.0x", False)]


@pytest.mark.parametrize(("theirs", "verdict"), [(20.0, ("1/10.0", True)), (18.0, ("1/9.0", False))])
def test_a_task_costs_at_most_its_part_of_a_peers(theirs: float, verdict: tuple[str, bool]) -> None:
    document = found(result("ours", cpu_ms=2.0), result("dbos", cpu_ms=theirs))
    assert verdicts(document, "at most 1/10 of DBOS") == [verdict]


def test_the_median_of_the_rounds_counts() -> None:
    ours = [result("ours", per_second=each) for each in (90.0, 100.0, 500.0)]
    document = found(*ours, result("dramatiq", per_second=50.0))
    assert verdicts(document, "at least 2x a raw Dramatiq chain") == [("2.0x", True)]


def test_the_time_that_agents_take_themselves_is_not_ours() -> None:
    slow = Course(shape="chain", delay_ms=50, in_flight=16)
    document = found(result("ours", course=slow, p50_ms=170.0))
    assert verdicts(document, "at most 25 ms") == [("20.0 ms", True)]


def test_a_crash_must_lose_and_double_nothing_in_any_round() -> None:
    well = Recovery(contender="ours", in_flight=200, seconds=1.0, lost=0, doubled=0)
    badly = Recovery(contender="ours", in_flight=200, seconds=1.0, lost=0, doubled=1)
    dbos = Recovery(contender="dbos", in_flight=200, seconds=5.0, lost=0, doubled=0)
    assert verdicts(found(well, dbos), "0 lost, 0 doubled") == [("0 lost, 0 doubled", True)]
    assert verdicts(found(well, badly, dbos), "0 lost, 0 doubled") == [("0 lost, 1 doubled", False)]
    assert verdicts(found(well, dbos), "at most 1/4 of DBOS") == [("not measured", None), ("1/5.0", True)]


def test_a_crash_that_is_never_recovered_from_has_no_time() -> None:
    never = Recovery(contender="ours", in_flight=200, seconds=None, lost=3, doubled=0)
    (row,) = found(never)["recovery"]
    assert (row["seconds"], row["lost"]) == (None, 3)
    assert "| never |" in pages.figures(found(never))


def test_a_long_history_and_a_long_life_are_held_against_the_beginning() -> None:
    document = found(
        result("empty", cpu_ms=2.0),
        result("full", cpu_ms=2.5),
        Mark(tasks=20_000, resident_mb=100.0),
        Mark(tasks=100_000, resident_mb=104.0),
    )
    assert verdicts(document, "at most 1.2x of an empty database") == [("1.25x", False)]
    assert verdicts(document, "at most 1.05x of that after 20,000") == [("1.04x", True)]


def test_who_failed_has_a_row_that_says_why() -> None:
    page = pages.figures(found(Failure(contender="celery", why="no broker | none")))
    assert "| Celery, prefork | failed: no broker \\| none |" in page


def test_the_page_shows_every_course_and_every_contender() -> None:
    document = found(*(result("ours", course=course) for course in COURSES), result("dbos"))
    page = pages.figures(document)
    assert all(f"### {course.title[0].upper()}{course.title[1:]}" in page for course in COURSES)
    assert "| DBOS | 100 | 1.0x |" in page


def test_the_chart_is_a_drawing_with_a_bar_for_each_contender() -> None:
    drawing = chart.svg(chart.panels(found(result("ours"), result("dbos", per_second=10.0))["medians"]))
    labels = [text.text for text in ET.fromstring(drawing).iter("{http://www.w3.org/2000/svg}text")]
    assert {"ours, in process", "DBOS", "100", "10", "2.0 ms"} <= set(labels)


def test_the_page_and_the_chart_tell_what_the_kept_results_tell() -> None:
    document = json.loads(pages.RESULTS.read_text(encoding="utf-8"))
    assert pages.figures(document) in pages.PAGE.read_text(encoding="utf-8")
    assert pages.CHART.read_text(encoding="utf-8") == chart.svg(chart.panels(document["medians"]))
    assert [dict(bar) for bar in document["bars"]] == [vars_of(bar) for bar in bars(document)]


def vars_of(bar: Any) -> dict[str, Any]:
    return {name: getattr(bar, name) for name in ("what", "asked", "reached", "met")}
