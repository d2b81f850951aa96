"""Whatever a request says, every profession decides, completely and in good time."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples.agent import Decision, Employee, read_request
from examples.team import TEAMS

EVERYONE = (*TEAMS["techcorp"], *TEAMS["acmecorp"])
NOW = datetime(2026, 11, 22, tzinfo=UTC)
SCRAPS = [
    "| Region | Q1 | Q2 |\n|---|---|---|\n| North | 100 | 150 |",
    "Cost;Team\n$1;a\n€2;b",
    "## Draft",
    "## Findings",
    "- Total of Q1: 3",
    "> said he",
    "- dig (2 days, after dig)",
    "Write",
    "Check it.",
    "in USD",
    ".",
]
# Each of these took a pattern that backtracks from several seconds up; now none takes half of one.
LONG = {
    "spaces": "description of " + " " * 50_000 + "x",
    "one line": "write a " * 20_000,
    "dashes": "for " + "a-" * 30_000,
    "half an address": "a" * 30_000 + "@",
    "pipes": "|" * 30_000 + "\n" + "|-" * 15_000,
    "lines of equal width": "we said this, and then that\n" * 5_000,
}
PATIENCE_SECONDS = 5


@settings(deadline=None, max_examples=60)
@given(
    text=st.text(max_size=200) | st.lists(st.sampled_from(SCRAPS), max_size=12).map("\n".join),
    answers=st.lists(st.text(max_size=40), max_size=2),
)
def test_no_request_makes_anyone_fail_and_every_decision_is_complete(text: str, answers: list[str]) -> None:
    inputs = [{"kind": "answer", "answer": answer} for answer in answers]
    context = {
        "candidates": [{"type": "zed", "skills": ["copywriting", "fact-checking", "publishing"]}],
        "inputs": inputs,
    }
    for employee in EVERYONE:
        request = read_request(employee=employee, instruction=text, context=context, now=NOW)
        decision = employee.decide(request).as_dict()
        needed = {
            "handle": "result",
            "delegate": "instruction",
            "ask_clarification": "question",
            "parallel": "subtasks",
        }
        assert decision[needed[str(decision["action"])]] is not None
        assert 0 < employee.decide(request).confidence < 1


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
@pytest.mark.parametrize("employee", EVERYONE, ids=lambda employee: employee.agent_type)
def test_no_long_text_keeps_anyone_busy(employee: Employee, text: str) -> None:
    began = time.process_time()
    decision = employee.decide(read_request(employee=employee, instruction=text, context=None, now=NOW))
    assert isinstance(decision, Decision)
    assert time.process_time() - began < PATIENCE_SECONDS
