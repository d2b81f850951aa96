"""An agent that works on what nobody waits for any more is told so."""

import time
from typing import Any

from delegation.models import Hop, Task
from delegation.states import HopStatus
from tests.agents import Hold, Working, handle, parallel
from tests.agents.answers import Call
from tests.flows.conftest import Story


def cancellations(story: Story, agent: str, count: int = 1, *, within: float = 10) -> list[Call]:
    until = time.monotonic() + within
    while len(calls := story.agents.calls(agent, "CancelTask")) < count and time.monotonic() < until:
        time.sleep(0.01)
    return calls


def parked(story: Story, **details: Any) -> Task:
    task = story.submit(**details)
    story.when(task, lambda _: Hop.objects.filter(task_id=task.id, status=HopStatus.WAITING, polls__gte=1).exists())
    return task


def test_the_agent_of_a_cancelled_task_is_told_once(story: Story) -> None:
    working = Working(None)
    story.agents.script("marketing-manager", working)
    task = parked(story)

    story.cancel(task)

    (told,) = cancellations(story, "marketing-manager")
    assert told.params["id"] in working.tasks
    assert working.tasks[told.params["id"]]["status"]["state"] == "TASK_STATE_CANCELED"
    assert told.headers["x-customer-id"] == "techcorp"
    story.when(task, lambda _: not Hop.objects.filter(task_id=task.id, due_at__isnull=False).exists())
    assert len(cancellations(story, "marketing-manager", 2, within=2.5)) == 1


def test_the_agents_of_branches_that_nobody_needs_are_told(story: Story) -> None:
    story.agents.script("marketing-manager", [parallel("copywriter", "editor", join="any"), handle("enough")])
    story.agents.script("copywriter", Working(None))
    story.agents.script("editor", Working(0.4, handle("the quicker")))

    assert story.ended(story.submit()).result == "enough"

    assert cancellations(story, "copywriter")
    assert not story.agents.calls("editor", "CancelTask")


def test_the_agent_of_a_task_whose_time_is_over_is_told(story: Story, settings: Any) -> None:
    settings.A2A_TASK_DEADLINE_SECONDS = 1
    story.agents.script("marketing-manager", Working(None))

    assert story.ended(story.submit()).error_code == "DEADLINE_EXCEEDED"

    assert cancellations(story, "marketing-manager")


def test_an_agent_that_cannot_be_told_holds_nothing_up(story: Story) -> None:
    story.agents.script("marketing-manager", Working(None))
    tasks = [parked(story) for _ in range(3)]
    story.agents.hang_on_cancel("marketing-manager")

    for task in tasks:
        story.cancel(task)

    assert len(cancellations(story, "marketing-manager", 3)) == 3
    assert story.ended(story.submit(agent_type="copywriter")).status == "completed"


def test_a_call_without_a_task_of_the_agents_own_is_only_hung_up(story: Story) -> None:
    hold = Hold(handle("too late"))
    story.agents.script("marketing-manager", hold)
    task = story.submit()
    assert hold.arrived.wait(10)

    story.cancel(task)

    assert story.ended(task).status == "canceled"
    assert not cancellations(story, "marketing-manager", within=1.5)
    hold.release()
