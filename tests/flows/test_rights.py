"""What people and pairs may, seen from a task at work: candidates, refusals and the reasons on record."""

from typing import Any

from guardian.shortcuts import assign_perm

from delegation.models import Agent, DelegationRule
from security.models import Membership
from security.services import principal_of_user
from tests.agents import Answer, Call, ask, delegate, handle
from tests.flows.conftest import Story
from tests.people import Person


def agent(agent_type: str) -> Agent:
    found: Agent = Agent.objects.get(customer_id="techcorp", agent_type=agent_type)
    return found


def rule(effect: str, source: str, target: str) -> DelegationRule:
    made: DelegationRule = DelegationRule.objects.create(
        customer_id="techcorp", agent_from=agent(source), agent_to=agent(target), effect=effect, reason="House rule."
    )
    return made


def operator(story: Story) -> Person:
    """Return Carol as an operator."""
    Membership.objects.filter(user=story.people.carol.user).update(role="operator")
    return Person(user=story.people.carol.user, principal=principal_of_user(story.people.carol.user))


def candidates(call: Call) -> set[str]:
    return {each["type"] for each in call.data["candidates"]}


def denied(story: Story, task: Any) -> list[tuple[str, str, str]]:
    rows = [row for row in story.rulings(task) if not row.authorized]
    return [(row.action, row.target_agent_type, row.denied_reason) for row in rows]


def test_a_specialist_cannot_delegate_to_a_manager(story: Story) -> None:
    story.agents.script("seo-specialist", [delegate("marketing-manager"), handle("By myself then.")])

    task = story.ended(story.submit(agent_type="seo-specialist"))

    assert task.result == "By myself then."
    ((action, target, reason),) = denied(story, task)
    assert (action, target) == ("delegate_to", "marketing-manager")
    assert "seniority" in reason


def test_a_manager_can_delegate_to_a_specialist(story: Story) -> None:
    story.agents.script("marketing-manager", [delegate("seo-specialist")])
    story.agents.script("seo-specialist", [handle("Keywords.")])

    assert story.ended(story.submit()).result == "Keywords."


def test_an_allow_rule_sends_work_up_and_stands_on_record(story: Story) -> None:
    up = rule("allow", "seo-specialist", "marketing-manager")
    story.agents.script("seo-specialist", [delegate("marketing-manager")])
    story.agents.script("marketing-manager", [handle("Signed off.")])

    task = story.ended(story.submit(agent_type="seo-specialist"))

    assert task.result == "Signed off."
    (row,) = [row for row in story.rulings(task) if row.action == "delegate_to"]
    assert row.authorization_reason == f"allow rule {up.id}: House rule."


def test_deny_beats_allow(story: Story) -> None:
    rule("allow", "marketing-manager", "copywriter")
    no = rule("deny", "marketing-manager", "copywriter")
    seen: list[set[str]] = []

    def choose(call: Call) -> Answer:
        seen.append(candidates(call))
        return delegate("copywriter") if len(seen) == 1 else handle("Alone.")

    story.agents.script("marketing-manager", [choose, choose])

    task = story.ended(story.submit())

    assert "copywriter" not in seen[0]
    assert denied(story, task) == [("delegate_to", "copywriter", f"deny rule {no.id}: House rule.")]


def test_a_pair_denied_while_people_decide_is_not_called(story: Story) -> None:
    Agent.objects.filter(agent_type="copywriter").update(requires_approval=True)
    story.agents.script("marketing-manager", [delegate("copywriter")])
    task = story.asking(story.submit())
    rule("deny", "marketing-manager", "copywriter")

    _wait_for_the_rule(story)
    story.vote(task)

    ended = story.ended(task)
    assert (ended.status, ended.error_code) == ("failed", "AUTH_FAILED")
    assert not story.agents.calls("copywriter")


def _wait_for_the_rule(story: Story) -> None:
    """Let another task of the customer show that the worker has read the rule."""
    seen: list[bool] = []

    def look(call: Call) -> Answer:
        seen.append("copywriter" in candidates(call))
        return handle("Seen.")

    for _ in range(100):
        story.agents.script("marketing-manager", [look])
        story.ended(story.submit())
        if not seen[-1]:
            return
    raise AssertionError("the worker never read the rule")


def test_a_task_reaches_no_agent_that_its_person_may_not(story: Story) -> None:
    Agent.objects.filter(agent_type="copywriter").update(restricted=True)
    seen: list[set[str]] = []

    def choose(call: Call) -> Answer:
        seen.append(candidates(call))
        return delegate("copywriter") if len(seen) == 1 else handle("Without.")

    story.agents.script("marketing-manager", [choose, choose])
    task = story.ended(story.submit(by=operator(story)))

    assert "copywriter" not in seen[0]
    ((action, target, reason),) = denied(story, task)
    assert (action, target) == ("delegate_to", "copywriter")
    assert "reach of the task's person" in reason


def test_a_grant_opens_a_restricted_agent_to_its_persons_tasks(story: Story) -> None:
    Agent.objects.filter(agent_type="copywriter").update(restricted=True)
    carol = operator(story)
    assign_perm("invoke_agent", carol.user, agent("copywriter"))
    story.agents.script("marketing-manager", [delegate("copywriter")])
    story.agents.script("copywriter", [handle("Written.")])

    assert story.ended(story.submit(by=carol)).result == "Written."


def test_the_task_of_a_person_who_has_left_goes_no_further(story: Story) -> None:
    carol = operator(story)
    story.agents.script("marketing-manager", [ask("Who is it for?")])
    task = story.asking(story.submit(by=carol))
    Membership.objects.filter(user=carol.user).delete()
    rule("deny", "marketing-manager", "copywriter")
    _wait_for_the_rule(story)

    story.answer(task, "Boats.")

    ended = story.ended(task)
    assert (ended.status, ended.error_code) == ("failed", "AUTH_FAILED")
    calls = [call for call in story.agents.calls("marketing-manager") if call.data["task_id"] == str(task.id)]
    assert len(calls) == 1
