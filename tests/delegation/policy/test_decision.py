"""Decisions are found wherever they stand in an answer, and nothing that an agent says breaks the reader."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation.policy.decision import Decision, DecisionInvalid, read_decision
from delegation.states import Action

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.from_regex(r"\A[a-z]{1,12}\Z")
WORDS = st.text(min_size=1).filter(str.strip)
SHARED: Any = {"reason": st.text(), "confidence": st.none() | st.floats(0, 1)}
SUBTASK = st.fixed_dictionaries({"delegated_to": NAMES, "instruction": st.text()})
DECISIONS = st.one_of(
    st.fixed_dictionaries({"action": st.just("handle"), "result": JSON.filter(lambda it: it is not None)} | SHARED),
    st.fixed_dictionaries({"action": st.just("delegate"), "delegated_to": NAMES} | SHARED),
    st.fixed_dictionaries(
        {"action": st.just("parallel"), "subtasks": st.lists(SUBTASK, min_size=2, max_size=10)} | SHARED
    ),
    st.fixed_dictionaries({"action": st.just("ask_clarification"), "question": WORDS} | SHARED),
)
WRAPPINGS = {
    "bare": "DECISION",
    "fence": "```json\nDECISION\n```",
    "nameless fence": "```\nDECISION\n```",
    "windows fence": "```json\r\nDECISION\r\n```",
    "prose": "I thought about it.\nDECISION\nThat is all.",
    "prose around a fence": "Sure! Here it is:\n```json\nDECISION\n```\nAnything else?",
    "prose with braces": "In {short}: DECISION",
    "prose with an odd quote": 'The 5" board, then: DECISION (done)',
}


def read(text: str) -> Decision:
    return read_decision(data=(), text=text)


@given(DECISIONS, st.sampled_from(list(WRAPPINGS.values())), st.booleans())
def test_a_decision_survives_its_wrapping(raw: dict[str, Any], wrapping: str, indented: bool) -> None:
    text = json.dumps(raw, indent=2 if indented else None)

    assert read(wrapping.replace("DECISION", text)) == read_decision(data=(raw,), text="beside it")


@given(DECISIONS)
def test_a_trailing_comma_is_forgiven_and_changes_nothing_else(raw: dict[str, Any]) -> None:
    text = json.dumps(raw)

    assert read(f"{text[:-1]},}}") == read(text)
    assert read(f"Well: {text[:-1]},\n}} so.") == read(text)


@given(st.text() | st.text(alphabet='{}[]",:`\\ \nactionhandle'), st.lists(JSON, max_size=3))
def test_whatever_comes_is_a_storable_decision_or_invalid(text: str, data: list[object]) -> None:
    for given_text in (text, f'{{"action": "handle", "result": {text}', f'{{"action": {text}}}', f'"action"{text}'):
        try:
            decision = read_decision(data=tuple(data), text=given_text)
        except DecisionInvalid:
            continue
        check_storable(decision)


def check_storable(decision: Decision) -> None:
    said = [decision.result, decision.reason, decision.question, *decision.options]
    said += [text for subtask in decision.subtasks for text in (subtask.delegated_to, subtask.instruction)]
    assert "\\u0000" not in orjson.dumps(said).decode().replace("\\\\", "")


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ('Hm {"action": "handle", "result": {"action": "delegate", "delegated_to": "x"},}', Action.HANDLE),
        ('[{"action": "handle", "result": 1}]', Action.HANDLE),
        ('{"action": "handle", "result": "```json\\n{}\\n```"}', Action.HANDLE),
        ('{"note": "thinking"}\n{"action": "delegate", "delegated_to": "editor"}', Action.DELEGATE),
    ],
)
def test_the_outermost_decision_counts(text: str, action: Action) -> None:
    assert read(text).action == action


@pytest.mark.parametrize(
    "text",
    [
        "Just words.",
        'The word "action" in prose.',
        '```python\nx = {"action": 1}\n```',
        '{"result": "no action"}',
        'Press {"action": "submit"} on the form.',
    ],
)
def test_an_answer_that_is_no_decision_is_handled_work(text: str) -> None:
    assert read(text) == Decision(action=Action.HANDLE, result=text)


def test_data_without_an_action_is_the_result() -> None:
    assert read_decision(data=({"rows": 3},), text="").result == {"rows": 3}
    assert read_decision(data=(1, None, [2]), text=" ").result == [1, [2]]


@pytest.mark.parametrize(
    "raw",
    [
        {"action": "handle"},
        {"action": "handle", "result": None},
        {"action": "handle", "result": 2**64},
        {"action": "handle", "result": [1e999]},
        {"action": "handle", "result": 1, "confidence": True},
        {"action": "handle", "result": 1, "confidence": 1.01},
        {"action": "handle", "result": 1, "reason": 5},
        {"action": "handle", "result": 1, "usage": []},
        {"action": "handle", "result": 1, "usage": {"input_tokens": "many"}},
        {"action": "handle", "result": 1, "usage": {"cost_usd": 1e9}},
        {"action": "delegate", "delegated_to": ["editor"]},
        {"action": "parallel", "subtasks": [{"delegated_to": "a"}]},
        {"action": "parallel", "subtasks": [{"delegated_to": "a"}] * 11},
        {"action": "parallel", "subtasks": [{"delegated_to": "a"}] * 2, "join": 3},
        {"action": "ask_clarification", "question": "Q", "options": ["a"] * 21},
        {"action": "ask_clarification", "question": "Q", "options": [1]},
        {"action": None},
        {"action": "HANDLE", "result": 1},
    ],
)
def test_a_decision_that_breaks_a_rule_is_invalid(raw: dict[str, Any]) -> None:
    with pytest.raises(DecisionInvalid):
        read_decision(data=(raw,), text="")


MEGABYTE = 1_000_000
HOSTILE: dict[str, Callable[[int], str]] = {
    "braces": lambda n: '"action"' + "{" * n,
    "objects in objects": lambda n: '{"action":' * (n // 10),
    "fences": lambda n: '"action"' + "```\n" * (n // 4),
    "quotes": lambda n: '"action"' + '"' * n,
    "escaped quotes": lambda n: '{"action"' + '\\"' * (n // 2),
    "a string without end": lambda n: '{"action":"' + "a" * n,
    "commas": lambda n: '{"action":' + "," * n,
    "lists in many objects": lambda n: '{"action":' * 32 + "[" + "1," * (n // 2),
    "prose and lists": lambda n: "a " + '{"x":[' * 32 + "1," * (n // 2) + '"action"',
    "spaces": lambda n: '"action"' + " " * n + "x",
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_four_times_the_hostile_text_takes_about_four_times_as_long(hostile: Callable[[int], str]) -> None:
    def seconds(size: int) -> float:
        text = hostile(size)
        began = time.process_time()
        with suppress(DecisionInvalid):
            read(text)
        return time.process_time() - began

    # The best of three: this machine has other work to do. What grew with the square would take sixteen times as long.
    quarter = min(seconds(MEGABYTE // 4) for _ in range(3))
    whole = min(seconds(MEGABYTE) for _ in range(3))
    assert whole < 10 * max(quarter, 0.005)
