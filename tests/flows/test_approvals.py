"""Delegations that people decide on: which ones are asked about, who may answer, and what becomes of them."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from delegation.errors import Conflict
from delegation.loop.sweeper import sweep_due
from delegation.models import Agent, Approval, ApprovalRules, Hop, Task
from delegation.services.questions import approval_vote
from security.errors import AuthFailed
from security.models import Membership, Role
from security.principal import Principal
from security.services import principal_of_user
from tests.agents import delegate, handle
from tests.flows.conftest import Story


def test_a_decision_that_is_not_sure_enough_is_asked_about(story: Story) -> None:
    rules(confidence_below=0.6)
    story.agents.script("marketing-manager", [delegate("copywriter", confidence=0.5)])

    approval = asked(story, story.submit())

    assert approval.rule == "confidence 0.5, below 0.6"


def test_a_sure_decision_is_not(story: Story) -> None:
    rules(confidence_below=0.6)
    story.agents.script("marketing-manager", [delegate("copywriter", confidence=0.6)])

    task = story.ended(story.submit())

    assert (task.status, Approval.objects.count()) == ("completed", 0)


def test_a_delegation_to_a_high_rank_is_asked_about(story: Story) -> None:
    rules(seniority_from="senior")
    story.agents.script("marketing-manager", [delegate("copywriter")])

    approval = asked(story, story.submit())

    assert approval.rule == "copywriter is a senior; senior and above require approval"


def test_the_first_delegation_of_a_pair_is_asked_about_and_the_second_is_not(story: Story) -> None:
    rules(first_use=True)
    story.agents.script("marketing-manager", [delegate("copywriter")])
    first = story.submit()
    vote(story, asked(story, first), approved=True)
    assert story.ended(first).status == "completed"

    second = story.ended(story.submit())

    assert (second.status, Approval.objects.count()) == ("completed", 1)


def test_the_call_that_resumes_is_exactly_the_one_that_was_shown(story: Story) -> None:
    flag("copywriter")
    story.agents.script("marketing-manager", [delegate("copywriter", instruction="Publish")])
    task = story.submit()
    approval = asked(story, task)
    Hop.objects.filter(id=approval.hop_id).update(instruction="Publish everything")

    with pytest.raises(Conflict):
        vote(story, approval, approved=True)

    Hop.objects.filter(id=approval.hop_id).update(instruction="Publish")
    vote(story, approval, approved=True)
    assert story.ended(task).status == "completed"
    (call,) = story.agents.calls("copywriter")
    assert (call.message_id, call.text) == (str(approval.hop_id), "Publish")
    assert len(story.agents.calls("marketing-manager")) == 1


def test_nobody_approves_for_their_own_task(story: Story) -> None:
    flag("copywriter")
    story.agents.script("marketing-manager", [delegate("copywriter")])
    approval = asked(story, story.submit())

    with pytest.raises(AuthFailed):
        approval_vote(
            principal=story.people.alice.principal, approval_id=approval.id, approved=True, now=timezone.now()
        )

    approval.refresh_from_db()
    assert (approval.status, approval.granted) == ("open", 0)


def test_a_quorum_needs_as_many_different_people(story: Story) -> None:
    rules(quorum=2)
    flag("copywriter")
    story.agents.script("marketing-manager", [delegate("copywriter")])
    story.agents.script("copywriter", [handle("done")])
    task = story.submit()
    approval = asked(story, task)

    vote(story, approval, approved=True)
    with pytest.raises(Conflict):
        vote(story, approval, approved=True)
    approval.refresh_from_db()
    assert (approval.status, approval.granted, approval.required) == ("open", 1, 2)

    approval_vote(principal=hired("dora", Role.OWNER), approval_id=approval.id, approved=True, now=timezone.now())
    assert story.ended(task).status == "completed"
    assert "approval.counted" in story.events(task)


def test_an_approval_that_nobody_decides_on_is_left_to_another_role(story: Story) -> None:
    rules(escalates_after_seconds=60, escalates_to="owner")
    flag("copywriter")
    story.agents.script("marketing-manager", [delegate("copywriter")])
    task = story.submit()
    approval = asked(story, task)

    sweep_due(timezone.now() + timedelta(seconds=61))

    with pytest.raises(AuthFailed):
        vote(story, approval, approved=True)
    approval_vote(principal=hired("dora", Role.OWNER), approval_id=approval.id, approved=True, now=timezone.now())
    assert story.ended(task).status == "completed"
    assert story.events(task).count("approval.escalated") == 1


def test_an_approval_expires_by_the_customers_own_time(story: Story) -> None:
    rules(expires_after_seconds=60)
    flag("copywriter")
    story.agents.script("marketing-manager", [delegate("copywriter")])
    task = story.submit()
    asked(story, task)

    sweep_due(timezone.now() + timedelta(seconds=61))

    task = story.ended(task)
    assert (task.status, task.error_code) == ("failed", "QUESTION_EXPIRED")


def rules(**fields: object) -> None:
    ApprovalRules.objects.create(customer_id="techcorp", **fields)


def flag(agent_type: str) -> None:
    assert Agent.objects.filter(agent_type=agent_type).update(requires_approval=True) == 1


def asked(story: Story, task: Task) -> Approval:
    story.when(task, lambda now: now.status == "input_required")
    return Approval.objects.get(task_id=task.id)


def vote(story: Story, approval: Approval, *, approved: bool) -> Approval:
    return approval_vote(
        principal=story.people.bob.principal, approval_id=approval.id, approved=approved, now=timezone.now()
    )


def hired(username: str, role: Role) -> Principal:
    user = get_user_model().objects.create_user(username=username)
    Membership.objects.create(user=user, customer_id="techcorp", role=role)
    return principal_of_user(user)
