"""How often an agent may be called, and one delegate to another: counted once a hop, refused or waited for."""

from itertools import pairwise
from typing import Any

import pytest
from django.test import Client

from delegation.models import Agent, Task
from security.models import Customer, RateLimit, WhenLimited
from tests.agents import Call, Say, Slow, Status, Working, ask, delegate, handle, parallel
from tests.agents.server import Playable
from tests.flows.conftest import Story

LIMITED = ("failed", "RATE_LIMIT_EXCEEDED")


def limit(limit_type: str, allowed: int, **more: Any) -> RateLimit:
    row = RateLimit(customer_id="techcorp", limit_type=limit_type, allowed=allowed, **more)
    row.full_clean()
    row.save()
    return row


def outcome(story: Story, **details: Any) -> tuple[str, str]:
    task = story.ended(story.submit(**details))
    return task.status, task.error_code


def hits(kind: str) -> float:
    lines = Client().get("/metrics").text.splitlines()
    name = f'a2a_rate_limit_hits_total{{customer_id="techcorp",limit_type="{kind}"}} '
    return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))


def test_one_call_more_than_allowed_is_not_made(story: Story) -> None:
    limit("agent_calls", 2, agent="marketing-manager")
    before = hits("agent")

    outcomes = [outcome(story) for _ in range(3)]

    assert outcomes == [("completed", ""), ("completed", ""), LIMITED]
    assert len(story.agents.calls("marketing-manager")) == 2
    assert hits("agent") == before + 1
    assert outcome(story, agent_type="editor") == ("completed", "")


def test_the_default_holds_for_each_agent_of_each_customer(story: Story, settings: Any) -> None:
    settings.A2A_LIMIT_AGENT_CALLS_PER_HOUR = 1

    assert [outcome(story) for _ in range(2)] == [("completed", ""), LIMITED]
    assert outcome(story, agent_type="editor") == ("completed", "")


def test_one_delegation_more_than_allowed_does_not_happen(story: Story, settings: Any) -> None:
    settings.A2A_LIMIT_PAIR_PER_HOUR = 1
    settings.A2A_LIMIT_AGENT_CALLS_PER_HOUR = 4
    story.agents.script("marketing-manager", delegate("copywriter"))

    outcomes = [outcome(story) for _ in range(3)]

    assert outcomes == [("completed", ""), LIMITED, LIMITED]
    assert len(story.agents.calls("copywriter")) == 1
    # The refused delegations took no call of the copywriter: three are left.
    assert [outcome(story, agent_type="copywriter")[0] for _ in range(4)] == ["completed"] * 3 + ["failed"]


def test_delegations_do_not_count_as_tasks_of_the_customer(story: Story, settings: Any) -> None:
    settings.A2A_LIMIT_CUSTOMER_TASKS_PER_DAY = 2
    story.agents.script("marketing-manager", delegate("copywriter"))
    story.agents.script("copywriter", delegate("seo-specialist"))

    assert [outcome(story) for _ in range(2)] == [("completed", "")] * 2


def corrected(call: Call) -> Playable:
    return handle("better") if "not accepted" in call.text else delegate("nobody")


@pytest.mark.parametrize(
    "script",
    [[Status(503), Status(503), handle("at last")], corrected, Working(after_seconds=0.3, outcome=handle("late"))],
    ids=["tried again", "corrected", "polled"],
)
def test_a_hop_counts_once_however_often_its_agent_is_asked(story: Story, script: Any) -> None:
    limit("agent_calls", 2, agent="marketing-manager")
    story.agents.script("marketing-manager", script)

    assert outcome(story) == ("completed", "")
    story.agents.script("marketing-manager", handle("done"))
    assert [outcome(story) for _ in range(2)] == [("completed", ""), LIMITED]


def test_an_answer_to_its_question_makes_no_second_call_of_it(story: Story) -> None:
    limit("agent_calls", 1, agent="marketing-manager")
    story.agents.script("marketing-manager", [ask("Which tone?"), handle("in a warm tone")])
    task = story.submit()

    story.asking(task)
    story.answer(task, "warm")

    assert story.ended(task).result == "in a warm tone"
    assert outcome(story) == LIMITED


def test_a_synthesis_is_a_call_of_its_own(story: Story) -> None:
    limit("agent_calls", 1, agent="marketing-manager")
    story.agents.script("marketing-manager", [parallel("copywriter", "editor"), handle("both")])

    assert outcome(story) == LIMITED
    assert len(story.agents.calls("copywriter")) == len(story.agents.calls("editor")) == 1


def test_a_split_that_its_pairs_do_not_allow_calls_nobody(story: Story) -> None:
    limit("delegation_pair", 2, agent="marketing-manager", target="copywriter")
    first = parallel("editor", ("copywriter", "one"), ("copywriter", "two"), ("copywriter", "three"))
    story.agents.script("marketing-manager", [first, parallel("editor", "copywriter", "copywriter"), handle("all")])

    assert outcome(story) == LIMITED
    assert not story.agents.calls("copywriter")
    assert not story.agents.calls("editor")
    assert outcome(story) == ("completed", "")


def test_a_branch_that_is_refused_reaches_its_parent_as_such(story: Story) -> None:
    limit("agent_calls", 0, agent="copywriter")
    gathered = lambda call: handle([given["error"] and given["error"]["code"] for given in call.data["inputs"]])  # noqa: E731
    story.agents.script("marketing-manager", [parallel("copywriter", "editor"), gathered])

    assert story.ended(story.submit()).result == ["RATE_LIMIT_EXCEEDED", None]


def test_a_customer_may_rather_wait(story: Story) -> None:
    Customer.objects.filter(id="techcorp").update(when_limited=WhenLimited.WAIT)
    limit("agent_calls", 1, agent="copywriter", window_seconds=2)
    story.agents.script("marketing-manager", delegate("copywriter"))
    first, second, third = (story.submit() for _ in range(3))

    ended = [story.ended(task) for task in (first, second, third)]

    assert [task.status for task in ended] == ["completed"] * 3
    waited = [event for task in ended for event in story.event_data(task, "hop.waiting")]
    assert len(waited) >= 2
    assert {event["waiting_for"] for event in waited} == {"rate_limit"}
    arrived = [call.at for call in story.agents.calls("copywriter")]
    assert len(arrived) == 3
    assert all(later - earlier > 1.5 for earlier, later in pairwise(arrived))


def test_a_task_that_waits_can_be_canceled(story: Story) -> None:
    Customer.objects.filter(id="techcorp").update(when_limited=WhenLimited.WAIT)
    limit("agent_calls", 1, agent="marketing-manager")
    assert outcome(story) == ("completed", "")
    task = story.submit()
    story.when(task, lambda _: bool(story.event_data(task, "hop.waiting")))

    story.cancel(task)

    assert story.ended(task).status == "canceled"


def test_the_limit_that_names_it_most_closely_holds(story: Story) -> None:
    limit("delegation_pair", 0)
    limit("delegation_pair", 5, agent="marketing-manager", target="copywriter")
    story.agents.script("marketing-manager", [delegate("copywriter"), delegate("editor")])

    assert [outcome(story) for _ in range(2)] == [("completed", ""), LIMITED]


def test_a_customers_own_limit_of_an_agent_lowers_the_platforms_and_never_raises_it(story: Story) -> None:
    limit("agent_calls", 1, agent="editor")
    Agent.objects.filter(agent_type="editor").update(calls_per_hour=1000)
    Agent.objects.filter(agent_type="copywriter").update(calls_per_hour=1)

    for agent in ("editor", "copywriter"):
        assert [outcome(story, agent_type=agent) for _ in range(2)] == [("completed", ""), LIMITED]


def test_a_changed_limit_holds_for_a_worker_at_work(story: Story) -> None:
    row = limit("agent_calls", 1, agent="marketing-manager")
    assert [outcome(story) for _ in range(2)] == [("completed", ""), LIMITED]

    RateLimit.objects.filter(id=row.id).update(allowed=100)

    def admitted(_: Task) -> bool:
        return outcome(story) == ("completed", "")

    story.when(story.submit(), admitted)


def test_many_tasks_at_once_call_an_agent_exactly_as_often_as_allowed(story: Story) -> None:
    limit("agent_calls", 7, agent="copywriter")
    story.agents.script("marketing-manager", Slow(0.05, delegate("copywriter")))
    story.agents.script("copywriter", Say("done"))

    tasks = [story.submit() for _ in range(30)]

    assert sorted(story.ended(task).status for task in tasks) == ["completed"] * 7 + ["failed"] * 23
    assert len(story.agents.calls("copywriter")) == 7
