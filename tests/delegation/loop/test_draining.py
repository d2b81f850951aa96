"""A worker that is asked to stop ends the calls under way, begins none, and leaves the rest to the others."""

import asyncio
from collections.abc import Awaitable

import pytest
from django.utils import timezone

from delegation.loop import Engine, EngineOptions
from delegation.models import Hop, Task, Worker
from delegation.services.tasks import task_submit
from tests.agents import AgentServer, Hold, delegate, handle, parallel
from tests.agents.answers import Step
from tests.people import Cast, team


@pytest.fixture
def task(transactional_db: None, people: Cast, agent_server: AgentServer) -> Task:
    team(agent_server)
    return task_submit(principal=people.alice.principal, message="Write.", now=timezone.now()).task


def drain_while_it_is_held(hold: Hold, *, drain_seconds: float = 20, release: bool = True) -> None:
    """Run a worker until the held agent is called, ask the worker to stop, let the agent answer."""

    async def work() -> None:
        options = EngineOptions(allowed_agent_hosts=("127.0.0.1",), drain_seconds=drain_seconds)
        engine = Engine(options, announce=lambda _: None)
        await engine.start()
        assert await asyncio.to_thread(hold.arrived.wait, 10)
        draining: Awaitable[None] = asyncio.create_task(engine.drain())
        await asyncio.sleep(0)
        if release:
            hold.release()
        await draining

    asyncio.run(work())


@pytest.mark.parametrize("step", [delegate("copywriter"), parallel("copywriter", "editor")], ids=["one", "several"])
def test_what_follows_the_calls_under_way_is_left_to_the_others(
    task: Task, agent_server: AgentServer, step: Step
) -> None:
    hold = Hold(step)
    agent_server.script("marketing-manager", hold)

    drain_while_it_is_held(hold)

    assert [call.agent for call in agent_server.calls()] == ["marketing-manager"]
    root, *children = Hop.objects.filter(task=task).order_by("id")
    assert root.action is not None
    assert {child.status for child in children} == {"pending"}
    assert not Worker.objects.exists()


def test_a_call_that_takes_longer_than_there_is_time_is_handed_back(task: Task, agent_server: AgentServer) -> None:
    hold = Hold(handle("too late"))
    agent_server.script("marketing-manager", hold)

    drain_while_it_is_held(hold, drain_seconds=0.2, release=False)

    (hop,) = Hop.objects.filter(task=task)
    assert (hop.status, hop.owner, hop.claim) == ("pending", None, 1)
    hold.release()
