"""The tree that grows in the terminal."""

import io
from typing import Any

import pytest
from rich.console import Console

from delegation.terminal import TaskDisplay, TaskTree, clean, shortened


def event(type_: str, **data: Any) -> dict[str, Any]:
    return {"seq": 1, "type": type_, "data": data}


def started(
    hop: str, *, parent: str | None = None, depth: int = 0, agent: str = "lead", attempt: int = 1
) -> dict[str, Any]:
    return event("hop.started", delegation_id=hop, parent_id=parent, depth=depth, agent_type=agent, attempt=attempt)


def decided(hop: str, action: str, **more: Any) -> dict[str, Any]:
    facts = {"delegated_to": [], "confidence": 0.5, "reason": "", "execution_time_seconds": 0.25, "findings": 0}
    return event("hop.decided", delegation_id=hop, action=action, **(facts | more))


def drawn(*events: dict[str, Any], title: str = "A task") -> str:
    tree = TaskTree(title)
    for one in events:
        tree.apply(one)
    console = Console(file=io.StringIO(), width=200)
    console.print(tree)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_decision_stands_at_its_hop_with_confidence_reason_and_time() -> None:
    screen = drawn(
        started("1"), decided("1", "delegate", delegated_to=["writer"], confidence=0.87, reason="She writes.")
    )
    assert "lead  delegate → writer  87% sure  0.25 s" in screen
    assert "She writes." in screen


def test_a_child_stands_beneath_its_parent() -> None:
    lines = drawn(started("1"), started("2", parent="1", depth=1, agent="writer")).splitlines()
    assert [line.index(name) for line, name in zip(lines, ["A task", "lead", "writer"], strict=True)] == [2, 6, 10]


def test_a_waiting_hop_says_for_what_and_is_done_once_it_is_called_again() -> None:
    waiting = [started("1"), decided("1", "parallel"), event("hop.waiting", delegation_id="1", waiting_for="branches")]
    assert "waits for its branches" in drawn(*waiting)
    resumed = drawn(*waiting, started("2", attempt=2))
    assert "waits" not in resumed
    assert "lead (call 2)" in resumed


def test_an_approval_shows_the_colleague_that_waits_and_who_decided() -> None:
    asked = event("approval.requested", delegation_id="2", parent_id="1", depth=1, agent_to="publisher")
    assert "publisher\n" in drawn(started("1"), asked).replace(" ", "")
    assert "waits for approval" in drawn(started("1"), asked)
    rejected = event("approval.rejected", delegation_id="2", by="bob", comment="Not yet.")
    screen = drawn(started("1"), asked, rejected)
    assert "rejected by bob: Not yet." in screen
    assert "waits" not in screen


def test_a_question_shows_its_text_and_its_answer() -> None:
    question = event("clarification.requested", delegation_id="1", question="For whom?")
    answer = event("clarification.answered", delegation_id="1", by="alice", answer="Bakers")
    screen = drawn(started("1"), decided("1", "ask_clarification"), question, answer)
    assert "asks: For whom?" in screen
    assert "answered by alice: Bakers" in screen
    assert "the question has expired" in drawn(
        started("1"), question, event("clarification.expired", delegation_id="1")
    )


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (event("task.completed", result="x", hop_count=3, cost_usd="0.0125"), "completed  3 calls, $0.012500"),
        (event("task.failed", error={"code": "AGENT_TIMEOUT", "message": "Too slow."}), "AGENT_TIMEOUT: Too slow."),
        (event("task.canceled"), "canceled"),
    ],
)
def test_the_title_says_how_the_task_ended(last: dict[str, Any], said: str) -> None:
    assert said in drawn(started("1"), last).splitlines()[0]


def test_a_failed_hop_says_why() -> None:
    failed = event("hop.failed", delegation_id="1", error={"code": "LEAKAGE_DETECTED", "message": "Blocked."})
    assert "LEAKAGE_DETECTED: Blocked." in drawn(started("1"), failed)


def test_what_the_leak_detector_found_is_counted() -> None:
    assert "2 finding(s)" in drawn(started("1"), decided("1", "handle", findings=2))


def test_events_of_later_versions_change_nothing() -> None:
    unknown = [
        event("weather.changed", sun=True),
        event("hop.dreamt", delegation_id="9"),
        event("hop.decided", delegation_id="9"),
    ]
    assert drawn(started("1"), *unknown) == drawn(started("1"))


def test_an_agents_words_cannot_steer_the_terminal() -> None:
    escape = "\x1b[2J\x1b]0;owned\x07[bold red]hello\u202e"
    screen = drawn(started("1", agent=escape), decided("1", "handle", reason=escape), title=escape)
    assert not {"\x1b", "\x07", "\u202e"} & set(screen)
    assert "[bold red]hello" in screen


def test_a_long_text_is_cut() -> None:
    assert shortened("word " * 100).endswith("…")
    assert len(shortened("word " * 100)) == 110
    assert clean("one\n two\t") == "one  two"


def test_without_a_screen_each_event_is_a_line() -> None:
    console = Console(file=io.StringIO(), width=40)
    with TaskDisplay(console, "A [task]") as display:
        display.show(event("task.created"))
        display.show(started("1"))
        display.show(started("2", parent="1", depth=1, agent="writer"))
        display.show(decided("2", "handle", reason="It was a long story that does not fit into forty columns."))
        display.show(event("task.completed", result="x", hop_count=2, cost_usd="0"))
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().splitlines() == [
        "A [task]",
        "  task created",
        "  lead started",
        "    writer started",
        "    writer decided · handle · 50% sure · 0.25 s · It was a long story that does not fit into forty columns.",
        "  task completed  2 calls, $0.000000",
    ]


def test_on_a_screen_the_tree_is_drawn_in_place() -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True, _environ={"TERM": "xterm"})
    with TaskDisplay(console, "A task") as display:
        display.show(started("1"))
    assert isinstance(console.file, io.StringIO)
    assert "lead" in console.file.getvalue()
    assert display.live is not None
