"""Splits within splits, branches that pass their work on, agents that change while a task is under way."""

from typing import Any

from delegation.loop.sweeper import free
from delegation.models import Agent, Hop
from tests.agents import Call, Hold, Say, Status, delegate, handle, parallel
from tests.flows.conftest import Story


def merge(call: Call) -> Any:
    return handle([given["result"] or given["error"]["code"] for given in call.data["inputs"]])


def test_a_split_within_a_split(story: Story) -> None:
    story.agents.script("marketing-manager", [parallel("copywriter", "editor"), merge])
    story.agents.script("copywriter", [parallel("seo-specialist", "analyst"), merge])
    story.agents.script("editor", handle("edited"))
    story.agents.script("seo-specialist", handle("keywords"))
    story.agents.script("analyst", handle("numbers"))

    task = story.ended(story.submit())

    assert task.result == [["keywords", "numbers"], "edited"]
    assert task.hop_count == 7


def test_a_branch_passes_its_work_on(story: Story) -> None:
    story.agents.script("marketing-manager", [parallel("copywriter", "editor"), merge])
    story.agents.script("copywriter", delegate("seo-specialist"))
    story.agents.script("seo-specialist", handle("with keywords"))
    story.agents.script("editor", handle("edited"))

    task = story.ended(story.submit())

    assert task.result == ["with keywords", "edited"]
    passed_on = Hop.objects.get(task_id=task.id, agent_type="seo-specialist")
    assert (passed_on.depth, passed_on.branch) == (2, 0)


def test_every_branch_may_fail(story: Story) -> None:
    story.agents.script("marketing-manager", [parallel("copywriter", "editor", "analyst"), merge])
    story.agents.script("copywriter", Say('{"action": "handle"'))
    story.agents.script("editor", Status(500))
    story.agents.script("analyst", delegate("ghost"))

    task = story.ended(story.submit())

    assert (task.status, task.result) == ("completed", ["INVALID_JSON", "AGENT_UNAVAILABLE", "AUTH_FAILED"])


def test_the_same_colleague_may_take_ten_branches_at_once(story: Story) -> None:
    echo = lambda call: handle(call.text)  # noqa: E731
    story.agents.script("marketing-manager", [parallel(*[("copywriter", f"part {n}") for n in range(10)]), merge])
    story.agents.script("copywriter", echo)

    task = story.ended(story.submit())

    assert task.result == [f"part {n}" for n in range(10)]
    assert max(story.agents.counts().values()) == 1


def test_an_agent_that_is_gone_when_its_approval_comes_is_unavailable(story: Story) -> None:
    Agent.objects.filter(agent_type="copywriter").update(requires_approval=True)
    story.agents.script("marketing-manager", delegate("copywriter"))
    task = story.asking(story.submit())
    Agent.objects.filter(agent_type="copywriter").delete()
    # What the worker knows of the agents is at most a moment old; another task shows when it has looked again.
    story.agents.script("marketing-manager", [delegate("copywriter"), handle("I know")])
    while True:
        story.ended(story.submit("probe", agent_type="editor"))
        if "copywriter" not in str(story.agents.calls("editor")[-1].data["candidates"]):
            break

    story.vote(task)

    task = story.ended(task)
    assert (task.status, task.error_code) == ("failed", "AGENT_UNAVAILABLE")
    assert not story.agents.calls("copywriter")


def test_a_disabled_agent_is_no_candidate(story: Story) -> None:
    Agent.objects.filter(agent_type="editor").update(enabled=False)
    story.agents.script("marketing-manager", delegate("editor"))

    task = story.ended(story.submit())

    assert task.error_code == "AUTH_FAILED"
    offered = {each["type"] for each in story.agents.calls()[0].data["candidates"]}
    assert offered == {"copywriter", "seo-specialist", "analyst"}
    assert [row.denied_reason for row in story.rulings(task) if not row.authorized] == ["the agent is disabled"] * 2


def test_each_customer_is_called_by_its_own_name_alone(story: Story) -> None:
    hold = Hold(handle("x"))
    story.agents.script("marketing-manager", hold)
    task = story.submit()
    assert hold.arrived.wait(10)
    hold.release()
    story.ended(task)

    (call,) = story.agents.calls()
    assert call.headers["x-customer-id"] == call.data["customer_id"] == "techcorp"
    assert call.headers["traceparent"].split("-")[1] == task.trace_id
    assert call.context_id == str(task.id)


def test_a_hop_that_comes_back_to_the_worker_that_lost_it_is_settled_by_its_newer_call(story: Story) -> None:
    hold = Hold(handle("too late"))
    story.agents.script("marketing-manager", [hold, delegate("copywriter")])
    story.agents.script("copywriter", handle("written"))
    task = story.submit()
    assert hold.arrived.wait(10)

    # As the others do with a worker that they take for dead.
    free(hop.id for hop in story.hops(task))
    story.agents.wait_for_calls(1, "copywriter")
    hold.release()

    assert story.ended(task).result == "written"
    assert list(story.agents.counts("marketing-manager").values()) == [2]
    assert story.agents.counts("copywriter").total() == 1
