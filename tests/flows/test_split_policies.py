"""A split that need not wait for everyone: any of the branches, or some of them."""

from delegation.models import Hop
from tests.agents import Answer, Fail, Hold, ask, handle, parallel
from tests.agents.answers import Call
from tests.flows.conftest import Story

WORKERS = ("copywriter", "editor", "seo-specialist", "analyst")


def test_any_goes_on_with_the_first_success_and_cancels_the_others(story: Story) -> None:
    story.agents.script("marketing-manager", [parallel(*[(who, "Try") for who in WORKERS], join="any"), results])
    story.agents.script("copywriter", [Fail("no idea")])
    story.agents.script("editor", [handle("an idea")])
    story.agents.script("seo-specialist", [ask("Which words?")])
    story.agents.script("analyst", [Hold()])

    task = story.ended(story.submit())

    assert (task.status, task.open_questions) == ("completed", 0)
    assert "an idea" in (task.result or [])
    assert set(Hop.objects.filter(task=task, join__isnull=False).values_list("status", flat=True)) <= {
        "completed",
        "failed",
        "canceled",
    }
    assert Hop.objects.get(task=task, agent_type="analyst").status == "canceled"
    assert story.events(task).count("task.completed") == 1


def test_a_quorum_waits_for_so_many_successes(story: Story) -> None:
    story.agents.script("marketing-manager", [parallel(*[(who, "Try") for who in WORKERS], join=2), results])
    story.agents.script("copywriter", [handle("one")])
    story.agents.script("editor", [Fail("no")])
    story.agents.script("seo-specialist", [handle("two")])
    story.agents.script("analyst", [Hold()])

    task = story.ended(story.submit())

    assert sorted(each for each in task.result or [] if each) == ["one", "two"]
    assert Hop.objects.get(task=task, agent_type="analyst").status == "canceled"


def test_a_quorum_that_cannot_be_reached_ends_with_all_branches(story: Story) -> None:
    story.agents.script("marketing-manager", [parallel(("copywriter", "a"), ("editor", "b"), join="any"), results])
    story.agents.script("copywriter", [Fail("no")])
    story.agents.script("editor", [Fail("no")])

    task = story.ended(story.submit())

    assert (task.status, task.result) == ("completed", [None, None])


def test_what_is_under_a_branch_is_cancelled_with_it(story: Story) -> None:
    story.agents.script("marketing-manager", [parallel(("copywriter", "a"), ("editor", "b"), join="any"), results])
    story.agents.script("copywriter", [parallel(("seo-specialist", "c"), ("analyst", "d"))])
    story.agents.script("seo-specialist", [Hold()])
    held, first = Hold(), Hold(handle("first"))
    story.agents.script("analyst", [held])
    story.agents.script("editor", [first])

    task = story.submit()
    assert held.arrived.wait(5)
    first.release()
    task = story.ended(task)

    statuses = {hop.agent_type: hop.status for hop in story.hops(task) if hop.attempt == 1}
    assert statuses == {
        "marketing-manager": "completed",
        "copywriter": "canceled",
        "editor": "completed",
        "seo-specialist": "canceled",
        "analyst": "canceled",
    }


def results(call: Call) -> Answer:
    return handle([each["result"] for each in call.data["inputs"]])
