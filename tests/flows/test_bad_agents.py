"""Agents that fail, each in its own way: the task ends with the catalogue's error, and the service goes on."""

from typing import Any
from uuid import uuid5

import pytest

from delegation.models import Agent
from tests.agents import (
    Answer,
    Call,
    Drop,
    DropMidBody,
    Fail,
    Hang,
    Html,
    Huge,
    Nested,
    Raw,
    Refuse,
    Reject,
    RpcError,
    Say,
    Status,
    Working,
    delegate,
    handle,
    parallel,
)
from tests.agents.server import Playable
from tests.flows.conftest import Story

# What cannot even be read as A2A: nothing is sent back, what another try may mend is tried
# three times at once and twice after a while.
UNREADABLE: dict[str, tuple[Playable, str, int]] = {
    "malformed JSON": (Raw(b'{"jsonrpc":"2.0","id":1,"result":{'), "INVALID_JSON", 1),
    "HTML": (Html(), "INVALID_JSON", 1),
    "deeply nested JSON": (Nested(), "INVALID_JSON", 1),
    "JSON that is not A2A": (Raw(b'{"jsonrpc":"2.0","id":1,"result":{"hello":1}}'), "INVALID_JSON", 1),
    "a body of 100 MB": (Huge(), "RESPONSE_TOO_LARGE", 1),
    "a declared body of 100 MB": (Huge(declared=True), "RESPONSE_TOO_LARGE", 1),
    "500": (Status(500), "AGENT_UNAVAILABLE", 1),
    "503 for ever": (Status(503), "AGENT_UNAVAILABLE", 5),
    "404": (Status(404), "AGENT_FAILED", 1),
    "a reset connection": (Refuse(), "AGENT_UNAVAILABLE", 5),
    "a closed connection": (Drop(), "AGENT_UNAVAILABLE", 5),
    "a connection dropped mid-body": (DropMidBody(), "AGENT_UNAVAILABLE", 5),
    "a JSON-RPC error": (RpcError(-32603), "AGENT_FAILED", 1),
    "a failed task": (Fail("the secret reason"), "AGENT_FAILED", 1),
    "a rejected task": (Reject("the secret reason"), "AGENT_FAILED", 1),
}


@pytest.mark.parametrize(("step", "code", "calls"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_agent_that_cannot_be_understood_fails_its_task_alone(
    story: Story, step: Playable, code: str, calls: int
) -> None:
    story.agents.script("marketing-manager", step)

    task = story.ended(story.submit())

    assert (task.status, task.error_code) == ("failed", code)
    (hop,) = story.hops(task)
    (row,) = story.decisions(task)
    assert (hop.status, hop.error_code, row.status, row.decision_action) == ("failed", code, "failed", None)
    assert story.agents.counts() == {str(hop.id): calls}
    check_the_service_goes_on(story)


def _decision(**fields: Any) -> Answer:
    return Answer(data=fields)


# What can be read and breaks a rule: it is sent back once with what was wrong.
UNACCEPTABLE: dict[str, tuple[Playable, str]] = {
    "JSON that breaks off": (Say('{"action": "handle", "result":'), "INVALID_JSON"),
    "a fence that breaks off": (Say('```json\n{"action": "handle", "result":\n```'), "INVALID_JSON"),
    "nested text": (Say('{"action": "handle", "result": ' + "[" * 5000 + "]" * 5000 + "}"), "INVALID_JSON"),
    "a nested result": (Say('{"action": "handle", "result": ' + "[" * 70 + "]" * 70 + "}"), "INVALID_JSON"),
    "an integer of 400 digits": (Say('{"action": "handle", "result": ' + "9" * 400 + "}"), "INVALID_JSON"),
    "a number without end": (Say('{"action": "handle", "result": 1e999}'), "INVALID_JSON"),
    "no answer at all": (Say("  "), "INVALID_JSON"),
    "a data part of null": (Answer(data=None, text=None), "INVALID_JSON"),
    "an unknown action": (_decision(action="dance", result="x"), "INVALID_JSON"),
    "an action that is a list": (_decision(action=["handle"], result="x"), "INVALID_JSON"),
    "no result": (_decision(action="handle"), "INVALID_JSON"),
    "confidence 7": (handle("x", confidence=7), "INVALID_JSON"),
    "confidence in words": (handle("x", confidence="high"), "INVALID_JSON"),
    "a cost below zero": (handle("x", usage={"cost_usd": -1}), "INVALID_JSON"),
    "11 subtasks": (parallel(*["copywriter"] * 11), "INVALID_JSON"),
    "one subtask": (parallel("copywriter"), "INVALID_JSON"),
    "subtasks that are texts": (_decision(action="parallel", subtasks=["a", "b"]), "INVALID_JSON"),
    "a question without words": (_decision(action="ask_clarification", question=" "), "INVALID_JSON"),
    "a delegation to nobody": (_decision(action="delegate"), "INVALID_JSON"),
    "a delegation to itself": (delegate("marketing-manager"), "DELEGATION_CYCLE"),
    "a delegation to a stranger": (delegate("ghost"), "AUTH_FAILED"),
    "a delegation to no name": (delegate("a\0b\ud800" * 100), "AUTH_FAILED"),
    "a split with a stranger": (parallel("copywriter", "ghost"), "AUTH_FAILED"),
}


def _sent(step: Playable) -> Playable:
    """Let lone surrogates through, which the scripted agents' JSON writer refuses."""
    if isinstance(step, Answer) and isinstance(step.data, dict) and "\ud800" in str(step.data.get("delegated_to")):
        return raw_message(str(step.data["delegated_to"]))
    return step


def raw_message(delegated_to: str) -> Raw:
    import json

    decision = {"action": "delegate", "delegated_to": delegated_to}
    message = {"messageId": "m", "role": "ROLE_AGENT", "parts": [{"data": decision}]}
    return Raw(json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"message": message}}).encode())


@pytest.mark.parametrize(("step", "code"), UNACCEPTABLE.values(), ids=UNACCEPTABLE.keys())
def test_a_decision_that_breaks_a_rule_is_sent_back_once(story: Story, step: Playable, code: str) -> None:
    story.agents.script("marketing-manager", _sent(step))

    task = story.ended(story.submit())

    assert (task.status, task.error_code) == ("failed", code)
    (hop,) = story.hops(task)
    first, second = story.agents.calls()
    assert [first.message_id, second.message_id] == [str(hop.id), str(uuid5(hop.id, "correction"))]
    assert "not accepted" in second.text
    assert [given["kind"] for given in second.data["inputs"]] == ["correction"]
    check_the_service_goes_on(story)


def check_the_service_goes_on(story: Story) -> None:
    story.agents.script("marketing-manager", handle("Still here."))
    assert story.ended(story.submit()).result == "Still here."


def test_a_corrected_decision_counts(story: Story) -> None:
    story.agents.script("marketing-manager", [delegate("ghost"), handle("Then I do it.", usage={"cost_usd": 0.5})])

    task = story.ended(story.submit())

    assert (task.status, task.result, float(task.cost_usd)) == ("completed", "Then I do it.", 0.5)
    refused = [row for row in story.rulings(task) if not row.authorized]
    assert [(row.action, row.target_agent_type) for row in refused] == [("delegate_to", "ghost")]
    assert "copywriter" in story.agents.calls()[1].text


def test_a_delegation_to_an_ancestor_is_refused(story: Story) -> None:
    story.agents.script("marketing-manager", [delegate("copywriter")])
    story.agents.script("copywriter", [delegate("editor")])
    story.agents.script("editor", [delegate("copywriter")])

    task = story.ended(story.submit())

    assert (task.error_code, task.hop_count) == ("DELEGATION_CYCLE", 3)
    assert [row.target_agent_type for row in story.rulings(task) if not row.authorized] == ["copywriter"] * 2


def test_a_delegation_up_the_ranks_is_refused(story: Story) -> None:
    story.agents.script("analyst", [delegate("editor")])

    task = story.ended(story.submit(agent_type="analyst"))

    assert task.error_code == "AUTH_FAILED"
    refused = [row.denied_reason for row in story.rulings(task) if not row.authorized]
    assert refused == ["a specialist may not delegate to a senior (seniority)"] * 2


def test_nul_and_lone_surrogates_are_replaced_wherever_they_stand(story: Story) -> None:
    body = (
        rb'{"jsonrpc":"2.0","id":1,"result":{"message":{"messageId":"m","role":"ROLE_AGENT","parts":[{"data":'
        rb'{"action":"handle","result":{"a\u0000b":["c\ud800d"]},"reason":"\udc00e\u0000"}}]}}}'
    )
    story.agents.script("marketing-manager", Raw(body))

    task = story.ended(story.submit())

    assert (task.status, task.result) == ("completed", {"a�b": ["c�d"]})
    assert story.hops(task)[0].reason == "�e�"


def test_nul_and_lone_surrogates_escaped_in_text_are_replaced(story: Story) -> None:
    story.agents.script("marketing-manager", Say(r'{"action":"handle","result":"a\u0000b\ud800c"}'))

    assert story.ended(story.submit()).result == "a�b�c"


def test_an_agent_that_is_not_there_is_unavailable(story: Story) -> None:
    with story.agents.refused_url() as nowhere:
        Agent.objects.filter(agent_type="copywriter").update(endpoint_url=nowhere)
        story.agents.script("marketing-manager", [delegate("copywriter")])
        task = story.ended(story.submit())

    assert (task.status, task.error_code) == ("failed", "AGENT_UNAVAILABLE")
    assert story.decisions(task)[-1].agent_type == "copywriter"


def test_a_passing_503_is_no_failure(story: Story) -> None:
    story.agents.script("marketing-manager", [Status(503), Status(503, retry_after="0"), handle("There now.")])

    task = story.ended(story.submit())

    assert task.result == "There now."
    assert story.agents.counts() == {str(story.hops(task)[0].id): 3}


def test_a_late_agent_that_is_wrong_is_corrected_once_in_a_call_of_its_own(story: Story) -> None:
    wrong = Working(0.01, outcome=Say('{"action": "dance", "reason": "x"}'))
    story.agents.script("marketing-manager", [wrong, handle("Corrected.")])

    task = story.ended(story.submit())

    assert task.result == "Corrected."
    _, correction = story.agents.calls()
    assert correction.task_id == ""


def test_a_late_agent_is_not_corrected_without_end(story: Story) -> None:
    story.agents.script("marketing-manager", Working(0.01, outcome=Say('{"action": "dance", "reason": "x"}')))

    task = story.ended(story.submit())

    assert task.error_code == "INVALID_JSON"
    assert len(story.agents.calls()) == 2


@pytest.mark.parametrize("remote_id", ["", "x" * 400])
def test_late_work_that_cannot_be_asked_for_again_is_an_invalid_answer(story: Story, remote_id: str) -> None:
    task = f'{{"id":"{remote_id}","contextId":"c","status":{{"state":"TASK_STATE_WORKING"}}}}'
    story.agents.script("marketing-manager", Raw(f'{{"jsonrpc":"2.0","id":1,"result":{{"task":{task}}}}}'.encode()))

    assert story.ended(story.submit()).error_code == "INVALID_JSON"


@pytest.fixture
def hurried(settings: Any) -> None:
    settings.A2A_AGENT_TIMEOUT_SECONDS = 0.3


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("hangs", [Hang(), Working(None)], ids=["silent", "never ready"])
def test_an_agent_that_hangs_times_out(story: Story, hangs: Playable, settings: Any) -> None:
    if isinstance(hangs, Working):
        settings.A2A_TASK_DEADLINE_SECONDS = 0.8
    story.agents.script("marketing-manager", hangs)

    task = story.ended(story.submit())

    assert task.error_code == ("DEADLINE_EXCEEDED" if isinstance(hangs, Working) else "AGENT_TIMEOUT")
    settings.A2A_TASK_DEADLINE_SECONDS = 60
    check_the_service_goes_on(story)


def test_an_agents_own_time_limit_counts(story: Story) -> None:
    Agent.objects.filter(agent_type="marketing-manager").update(timeout_seconds=1)
    story.agents.script("marketing-manager", Hang())

    task = story.ended(story.submit())

    assert task.error_code == "AGENT_TIMEOUT"
    (row,) = story.decisions(task)
    assert row.execution_time_seconds is not None
    assert 0.9 < row.execution_time_seconds < 3


def test_a_bad_agent_holds_up_no_other(story: Story) -> None:
    story.agents.script("marketing-manager", Hang())
    stuck = [story.submit() for _ in range(20)]
    story.agents.wait_for_calls(20)

    def echo(call: Call) -> Any:
        return handle(call.text)

    story.agents.script("analyst", echo)
    others = [story.submit(f"number {n}", agent_type="analyst") for n in range(20)]

    assert [story.ended(task).result for task in others] == [f"number {n}" for n in range(20)]
    for task in stuck:
        story.cancel(task)
