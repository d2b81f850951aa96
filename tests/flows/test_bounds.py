"""What bounds a task: its depth, its number of hops, its deadline, and the person who cancels it."""

import time
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone

from delegation.errors import Conflict
from delegation.models import Agent, Approval, Hop
from delegation.services.tasks import task_cancel, task_execute
from tests.agents import Call, Hold, Slow, Working, ask, delegate, handle, parallel
from tests.flows.conftest import Story


def hire(story: Story, *names: str) -> None:
    for name in names:
        Agent.objects.create(
            customer_id="techcorp",
            ve_id=f"techcorp-{name}",
            agent_type=name,
            name=name,
            endpoint_url=story.agents.url(name),
        )


CHAIN = ["marketing-manager", "copywriter", "seo-specialist", "analyst", "proofreader", "illustrator", "printer"]


def chain(story: Story, length: int) -> None:
    hire(story, *CHAIN[4:])
    for agent, following in pairwise(CHAIN[:length]):
        story.agents.script(agent, delegate(following))


def test_six_agents_may_work_beneath_each_other(story: Story) -> None:
    chain(story, 6)

    task = story.ended(story.submit())

    assert (task.status, task.depth_reached, task.hop_count) == ("completed", 5, 6)
    assert [hop.depth for hop in story.hops(task)] == [0, 1, 2, 3, 4, 5]
    calls = story.agents.calls()
    assert [call.data["delegation_depth"] for call in calls] == [0, 1, 2, 3, 4, 5]
    assert calls[-1].data["candidates"] == []
    assert calls[-1].data["path"] == CHAIN[:6]


def test_a_seventh_is_too_deep(story: Story) -> None:
    chain(story, 7)

    task = story.ended(story.submit())

    assert (task.status, task.error_code, task.depth_reached) == ("failed", "MAX_DEPTH_EXCEEDED", 5)
    assert not story.agents.calls("printer")
    assert "handle it yourself" in story.agents.calls("illustrator")[1].text


def test_the_hop_budget_ends_a_task_that_splits_and_splits(story: Story, settings: Any) -> None:
    settings.A2A_HOP_BUDGET = 7
    hire(story, *CHAIN[4:])
    story.agents.script("marketing-manager", [parallel("copywriter", "editor"), _codes])
    for agent in ("copywriter", "editor"):
        story.agents.script(agent, [parallel("seo-specialist", "analyst"), _codes])
    for agent in ("seo-specialist", "analyst"):
        story.agents.script(agent, [parallel("proofreader", "illustrator"), parallel("proofreader", "illustrator")])

    task = story.ended(story.submit())

    # What goes on from a split counts too, so that fewer may be left for the branches; it is never more.
    first_calls = [hop for hop in story.hops(task) if hop.attempt == 1]
    assert 5 <= len(first_calls) <= 7
    assert {hop.error_code for hop in first_calls if hop.status == "failed"} == {"HOP_BUDGET_EXCEEDED"}
    assert task.status == "completed"
    assert not [hop for hop in first_calls if hop.depth > 3]
    # Nobody is called twice for one hop.
    calls = story.agents.counts()
    assert all(calls[str(hop.id)] == 1 for hop in story.hops(task))


def test_a_chain_ends_with_its_hop_budget(story: Story, settings: Any) -> None:
    settings.A2A_HOP_BUDGET = 3
    chain(story, 5)

    task = story.ended(story.submit())

    assert (task.status, task.error_code, task.hop_count) == ("failed", "HOP_BUDGET_EXCEEDED", 3)
    assert not story.agents.calls("analyst")


def _codes(call: Call) -> Any:
    return handle([given["result"] or given["error"]["code"] for given in call.data["inputs"]])


def test_a_call_is_cut_off_at_the_deadline(story: Story, settings: Any) -> None:
    settings.A2A_TASK_DEADLINE_SECONDS = 0.3
    story.agents.script("marketing-manager", Slow(20))

    task = story.ended(story.submit())

    assert (task.status, task.error_code) == ("failed", "DEADLINE_EXCEEDED")


def test_a_task_that_waits_for_a_person_fails_at_its_deadline(story: Story, settings: Any) -> None:
    settings.A2A_TASK_DEADLINE_SECONDS = 0.3
    story.agents.script("marketing-manager", ask("Well?"))

    task = story.ended(story.submit())

    assert task.error_code in ("DEADLINE_EXCEEDED", "QUESTION_EXPIRED")


def test_a_task_that_was_never_started_fails_at_its_deadline(story: Story, settings: Any) -> None:
    settings.A2A_TASK_DEADLINE_SECONDS = 0.01

    task = story.ended(story.submit(start=False))

    assert (task.status, task.error_code, task.hop_count) == ("failed", "DEADLINE_EXCEEDED", 0)
    assert not story.agents.calls()


def test_a_task_waits_to_be_started_and_starts_once(story: Story) -> None:
    alice = story.people.alice.principal
    task = story.submit(start=False)

    task_execute(principal=alice, task_id=task.id, now=timezone.now())
    with pytest.raises(Conflict):
        task_execute(principal=alice, task_id=task.id, now=timezone.now())

    assert story.ended(task).status == "completed"
    with pytest.raises(Conflict):
        task_execute(principal=alice, task_id=task.id, now=timezone.now())


def test_a_task_is_cancelled_before_it_is_started(story: Story) -> None:
    task = story.submit(start=False)
    story.cancel(task)

    assert story.ended(task).status == "canceled"
    with pytest.raises(Conflict):
        task_execute(principal=story.people.alice.principal, task_id=task.id, now=timezone.now())


def test_a_call_under_way_is_given_up_when_its_task_is_cancelled(story: Story) -> None:
    hold = Hold(delegate("copywriter"))
    story.agents.script("marketing-manager", hold)
    task = story.submit()
    assert hold.arrived.wait(10)
    story.cancel(task)
    assert story.ended(task).status == "canceled"

    # The worker hangs up; what the agent says afterwards reaches nobody.
    _until(lambda: story.agents.open_connections == 0)
    hold.release()
    story.agents.script("analyst", handle("after it"))
    assert story.ended(story.submit(agent_type="analyst")).result == "after it"
    assert not story.agents.calls("copywriter")
    story.ended(task)
    with pytest.raises(Conflict):
        task_cancel(principal=story.people.alice.principal, task_id=task.id, now=timezone.now())


def _until(reached: Any, seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_cancelling_ends_every_branch_with_its_questions(story: Story) -> None:
    Agent.objects.filter(agent_type="editor").update(requires_approval=True)
    hold = Hold()
    story.agents.script("marketing-manager", parallel("copywriter", "editor", "analyst", "seo-specialist"))
    story.agents.script("copywriter", ask("For whom?"))
    story.agents.script("analyst", Working(None))
    story.agents.script("seo-specialist", hold)
    task = story.asking(story.submit(), 2)
    assert hold.arrived.wait(10)
    story.when(task, lambda _: Hop.objects.filter(task_id=task.id, status="waiting").count() == 4)

    story.cancel(task)

    task = story.ended(task)
    assert {hop.status for hop in story.hops(task)} == {"canceled"}
    assert story.events(task)[-6:] == ["hop.canceled"] * 5 + ["task.canceled"]
    assert Approval.objects.get(task_id=task.id).status == "canceled"
    asked_before = len(story.agents.calls("analyst", "GetTask"))
    hold.release()
    story.agents.script("marketing-manager", handle("next"))
    assert story.ended(story.submit()).result == "next"
    assert len(story.agents.calls("analyst", "GetTask")) <= asked_before + 1
    assert not story.agents.calls("editor")
