"""Tokens and money, per task and per month: held before a call, settled after it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from delegation.models import Agent, Task
from security.models import Customer
from tests.agents import Hold, Status, Working, ask, delegate, handle, parallel
from tests.flows.conftest import Story
from tests.processes import eventually

USED_UP = ("failed", "BUDGET_EXCEEDED")


def used(tokens: int = 0, cost_usd: float = 0.0) -> dict[str, Any]:
    return {"usage": {"input_tokens": tokens, "output_tokens": 0, "cost_usd": cost_usd}}


def budget(**fields: Any) -> None:
    Customer.objects.filter(id="techcorp").update(**fields)


def outcome(story: Story, **details: Any) -> tuple[str, str]:
    task = story.ended(story.submit(**details))
    return task.status, task.error_code


def test_a_task_calls_nobody_whom_its_budget_does_not_cover(story: Story) -> None:
    budget(task_tokens=1000)
    Agent.objects.filter(agent_type="copywriter").update(expected_tokens=500)
    story.agents.script("marketing-manager", delegate("copywriter", **used(tokens=501)))

    assert outcome(story) == USED_UP
    assert not story.agents.calls("copywriter")

    story.agents.script("marketing-manager", delegate("copywriter", **used(tokens=500)))
    assert outcome(story) == ("completed", "")


def test_a_month_is_counted_over_all_tasks_in_money(story: Story) -> None:
    budget(month_cost_usd="0.25")
    story.agents.script("marketing-manager", handle("done", **used(cost_usd=0.1)))

    assert [outcome(story) for _ in range(4)] == [("completed", "")] * 2 + [USED_UP] * 2
    assert len(story.agents.calls("marketing-manager")) == 2


def test_another_customer_and_a_customer_without_budgets_spend_as_they_like(story: Story) -> None:
    story.agents.script("marketing-manager", handle("done", **used(tokens=10**6, cost_usd=100)))

    assert [outcome(story) for _ in range(2)] == [("completed", "")] * 2


def test_calls_at_once_are_held_to_what_they_are_expected_to_take(story: Story) -> None:
    budget(task_tokens=2500)
    Agent.objects.exclude(agent_type="marketing-manager").update(expected_tokens=1000)
    held = Hold(handle("edited", **used(tokens=900)))
    gathered = lambda call: handle(sorted(given["status"] for given in call.data["inputs"]))  # noqa: E731
    story.agents.script("marketing-manager", [parallel("editor", "copywriter", "analyst"), gathered])
    for agent in ("editor", "copywriter", "analyst"):
        story.agents.script(agent, held)
    task = story.submit()
    story.when(task, lambda _: "hop.failed" in story.events(task))
    held.release()

    task = story.ended(task)

    assert task.result == ["completed", "completed", "failed"]
    assert {hop.error_code for hop in story.hops(task)} == {"", "BUDGET_EXCEEDED"}


def test_what_an_agent_took_of_late_is_expected_again(story: Story) -> None:
    budget(month_tokens=1000)
    story.agents.script("marketing-manager", handle("done", **used(tokens=600)))

    assert [outcome(story) for _ in range(2)] == [("completed", ""), USED_UP]


def test_a_refused_call_counts_on_no_limit(story: Story, settings: Any) -> None:
    settings.A2A_LIMIT_AGENT_CALLS_PER_HOUR = 1
    budget(month_tokens=10)
    Agent.objects.update(expected_tokens=1000)
    assert [outcome(story) for _ in range(3)] == [USED_UP] * 3

    budget(month_tokens=None)

    assert eventually(lambda: outcome(story) == ("completed", ""))
    assert len(story.agents.calls("marketing-manager")) == 1


@pytest.mark.parametrize(
    "script",
    [
        Working(after_seconds=0.3, outcome=handle("late", **used(tokens=100))),
        [Status(503), handle("at last", **used(tokens=100))],
    ],
    ids=["answers later", "tried again"],
)
def test_a_hop_is_settled_once(story: Story, script: Any) -> None:
    budget(month_tokens=1000)
    story.agents.script("marketing-manager", script)

    assert outcome(story) == ("completed", "")
    assert spent_this_month() == (100, 0)


def test_a_call_that_fails_gives_back_what_it_held(story: Story) -> None:
    budget(month_tokens=1000)
    Agent.objects.update(expected_tokens=600)
    story.agents.script("marketing-manager", [Status(500), Status(500), handle("done", **used(tokens=100))])

    assert [outcome(story)[0] for _ in range(3)] == ["failed", "failed", "completed"]
    assert spent_this_month() == (100, 0)


def test_a_question_is_settled_when_it_is_asked(story: Story) -> None:
    budget(task_tokens=1000)
    story.agents.script("marketing-manager", [ask("Which?", **used(tokens=400)), handle("so", **used(tokens=400))])
    task = story.submit()
    story.asking(task)
    story.answer(task, "this")

    assert story.ended(task).result == "so"


def test_counters_that_were_lost_begin_with_what_the_database_knows(story: Story, settings: Any) -> None:
    budget(month_tokens=1000)
    story.agents.script("marketing-manager", handle("done", **used(tokens=450)))
    assert [outcome(story) for _ in range(2)] == [("completed", "")] * 2

    lose_the_counters(settings.REDIS_URL)

    assert outcome(story) == USED_UP


def test_a_task_shows_what_it_has_left(story: Story) -> None:
    budget(task_tokens=1000, task_cost_usd="0.5")
    story.agents.script("marketing-manager", handle("done", **used(tokens=300, cost_usd=0.2)))
    task = story.ended(story.submit())
    address = f"/api/v1/tasks/{task.id}"

    def shown(person: Any) -> Any:
        return Client().get(address, headers={"X-API-Key": person.api_key}).json()

    assert shown(story.people.alice)["budget"] == {
        "tokens": {"allowed": 1000, "used": 300, "left": 700},
        "cost_usd": {"allowed": 0.5, "used": 0.2, "left": 0.3},
    }
    assert Task.objects.get(id=task.id).cost_usd > 0


def spent_this_month() -> tuple[int, int]:
    """Return the tokens spent and held, as the counters know them."""
    from security.limiting import ledger
    from security.limits import Allowance, BudgetAccount, BudgetLine, Spend

    now = datetime.now(UTC)
    line = BudgetLine(account=BudgetAccount.of_month(customer_id="techcorp", at=now), allowance=Allowance())
    (standing,) = ledger().reserve([line], reservation_id="look", estimate=Spend(), now=now, lease_seconds=1).standings
    return standing.spent.tokens, standing.held.tokens


def lose_the_counters(redis_url: str) -> None:
    """Forget everything, as a server that was restarted does."""
    import redis

    from security.limiting import store
    from security.limits import MemoryStore

    if redis_url:
        with redis.Redis.from_url(redis_url) as server:
            for key in server.scan_iter("a2a:budget:*"):
                server.delete(key)
        return
    found = store()
    assert isinstance(found, MemoryStore)
    found.__init__()  # type: ignore[misc]  # it begins anew
