"""An agent is called no more often at once than it can bear, and nobody else waits for it."""

import threading
from typing import Any

from delegation.models import Agent, Hop
from delegation.states import HopStatus
from tests.agents import Hold, Slow, delegate, handle
from tests.agents.answers import Call, Step
from tests.flows.conftest import Story


class Crowd:
    """Count how many calls are under way at once."""

    def __init__(self, seconds: float = 0.05) -> None:
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()
        self._seconds = seconds

    def __call__(self, call: Call) -> Step:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        return Slow(self._seconds, Leaving(self))

    def left(self) -> None:
        with self._lock:
            self._now -= 1


class Leaving:
    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd

    def play(self, call: Call, connection: Any) -> None:
        self._crowd.left()
        handle("done").play(call, connection)


def limit(agent_type: str, calls: int) -> None:
    Agent.objects.filter(agent_type=agent_type).update(max_concurrency=calls)


def test_an_agent_has_no_more_calls_at_once_than_it_may(story: Story) -> None:
    limit("copywriter", 3)
    crowd = Crowd()
    story.agents.script("copywriter", crowd)

    tasks = [story.submit(agent_type="copywriter") for _ in range(30)]

    assert {story.ended(task).status for task in tasks} == {"completed"}
    assert crowd.most <= 3


def test_what_is_delegated_to_it_waits_its_turn_as_well(story: Story) -> None:
    limit("copywriter", 2)
    crowd = Crowd()
    story.agents.script("marketing-manager", delegate("copywriter"))
    story.agents.script("copywriter", crowd)

    tasks = [story.submit() for _ in range(20)]

    assert {story.ended(task).status for task in tasks} == {"completed"}
    assert crowd.most <= 2


def test_nobody_else_waits_for_an_agent_that_is_busy(story: Story) -> None:
    limit("copywriter", 2)
    hold = Hold(handle("at last"))
    story.agents.script("copywriter", hold)
    waiting = [story.submit(agent_type="copywriter") for _ in range(300)]
    assert hold.arrived.wait(10)

    assert story.ended(story.submit(agent_type="editor")).status == "completed"

    running = Hop.objects.filter(agent_type="copywriter", status=HopStatus.RUNNING)
    assert running.count() == 2
    assert len(story.agents.calls("copywriter")) == 2
    hold.release()
    for task in waiting[:5]:
        story.ended(task)


def test_the_more_urgent_work_goes_first(story: Story) -> None:
    limit("copywriter", 1)
    hold = Hold(handle("done"))
    story.agents.script("copywriter", hold)
    story.submit("first", agent_type="copywriter")
    assert hold.arrived.wait(10)
    story.submit("low", agent_type="copywriter", priority="low")
    story.submit("urgent", agent_type="copywriter", priority="urgent")
    last = story.submit("normal", agent_type="copywriter")
    hold.release()
    story.ended(last)
    story.agents.wait_for_calls(4, "copywriter")

    assert [call.text for call in story.agents.calls("copywriter")] == ["first", "urgent", "normal", "low"]
