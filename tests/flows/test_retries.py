"""An agent that cannot be reached just now is tried again, and waiting for it holds nothing."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from delegation.models import Agent, Hop
from delegation.states import HopStatus
from tests.agents import Drop, RpcError, Status, Working, handle
from tests.flows.conftest import Story

THREE_QUICK = [Status(503), Status(503), Status(503)]


def test_an_agent_that_is_away_for_a_while_is_tried_again_later(story: Story) -> None:
    story.agents.script("marketing-manager", [*THREE_QUICK, Status(502), handle("back")])

    task = story.ended(story.submit())

    assert task.result == "back"
    (hop,) = story.hops(task)
    assert story.agents.counts() == {str(hop.id): 5}
    waits = [each for each in story.event_data(task, "hop.waiting") if each["waiting_for"] == "retry"]
    assert [wait["tries"] for wait in waits] == [1, 2]
    assert all(wait["error"]["code"] == "AGENT_UNAVAILABLE" for wait in waits)
    assert task.hop_count == 1
    assert [row.action for row in story.rulings(task)] == ["access_context", "invoke"]


def test_a_long_retry_after_parks_the_hop_until_then(story: Story) -> None:
    story.agents.script("marketing-manager", [Status(429, retry_after="30"), handle("in peace")])
    task = story.submit()
    story.when(task, lambda _: Hop.objects.filter(task_id=task.id, status=HopStatus.WAITING).exists())

    (hop,) = story.hops(task)
    assert hop.due_at is not None
    assert timedelta(seconds=25) < hop.due_at - timezone.now() < timedelta(seconds=34)
    assert Agent.objects.get(agent_type="marketing-manager").circuit_open_until is None
    assert len(story.agents.calls()) == 1


def test_while_an_agent_rests_nobody_else_calls_it(story: Story) -> None:
    story.agents.script("marketing-manager", [Status(503, retry_after="3"), handle("rested")])
    first = story.submit("first")
    story.when(first, lambda _: Hop.objects.filter(task_id=first.id, status=HopStatus.WAITING).exists())

    second = story.submit("second")
    story.when(second, lambda _: Hop.objects.filter(task_id=second.id, status=HopStatus.WAITING).exists())

    assert len(story.agents.calls()) == 1
    over = story.ended(second)
    assert over.result == "rested"
    assert [row.action for row in story.rulings(over)] == ["access_context", "invoke"]
    assert story.ended(first).result == "rested"


def test_nobody_waits_beyond_the_deadline_for_an_agent(story: Story, settings: Any) -> None:
    settings.A2A_TASK_DEADLINE_SECONDS = 60
    story.agents.script("marketing-manager", Status(503, retry_after="600"))

    assert story.ended(story.submit()).error_code == "AGENT_UNAVAILABLE"


def test_an_agent_that_asks_for_more_than_an_hour_is_given_up(story: Story) -> None:
    story.agents.script("marketing-manager", Status(429, retry_after="7200"))

    assert story.ended(story.submit()).error_code == "AGENT_UNAVAILABLE"


def test_a_poll_that_fails_in_passing_costs_the_work_nothing(story: Story) -> None:
    working = Working(None)
    story.agents.script("marketing-manager", working)
    task = story.submit()
    story.when(task, lambda _: Hop.objects.filter(task_id=task.id, polls__gte=1).exists())

    story.agents.answer_polls("marketing-manager", [*THREE_QUICK, Drop()])
    (late,) = working.tasks.values()
    late["status"] = {"state": "TASK_STATE_COMPLETED"}
    late["artifacts"] = [{"artifactId": "a", "parts": handle("done anyway").parts()}]

    over = story.ended(task)
    assert over.result == "done anyway"
    assert len(story.agents.calls("marketing-manager")) == 1
    assert len(story.agents.calls("marketing-manager", "GetTask")) >= 5


def test_an_agent_that_has_forgotten_the_work_fails_it(story: Story) -> None:
    story.agents.script("marketing-manager", Working(None))
    task = story.submit()
    story.agents.answer_polls("marketing-manager", [RpcError(-32001, "Task not found")])

    assert story.ended(task).error_code == "AGENT_FAILED"


def test_work_under_way_outlasts_an_open_circuit(story: Story) -> None:
    story.agents.script("marketing-manager", Working(1.5, handle("through it all")))
    task = story.submit()
    story.when(task, lambda _: Hop.objects.filter(task_id=task.id, polls__gte=1).exists())
    Agent.objects.filter(agent_type="marketing-manager").update(
        circuit_open_until=timezone.now() + timedelta(seconds=4)
    )

    assert story.ended(task).result == "through it all"
