"""Every agent can tell the platform's calls from anybody else's, with nothing but the keys that are published."""

from typing import Any

import pytest
from django.test import Client

from audit.models import AuthorizationLog, DelegationLog, LeakageLog
from delegation.models import Agent, Hop, Task, TaskEvent
from delegation.services.credentials import credential_set
from examples.verifier import Caller, CallRefusedError, SeenTokens, verify
from tests.agents import Call, Status, Working, delegate, handle
from tests.flows.conftest import Story


def published() -> Any:
    return Client().get("/.well-known/jwks.json").json()


def caller_of(call: Call, *, agent: str | None = None, customer_id: str = "techcorp") -> Caller:
    expected = f"{customer_id}/{agent or call.agent}"
    return verify(call.headers, call.raw, published(), expected, seen=SeenTokens())


def test_each_hop_of_a_chain_says_for_whom_it_is_called(story: Story) -> None:
    story.agents.script("marketing-manager", [delegate("copywriter")])
    story.agents.script("copywriter", [delegate("seo-specialist")])
    story.agents.script("seo-specialist", [handle("With keywords.")])

    task = story.ended(story.submit())

    person = f"techcorp/people/{story.people.alice.user.pk}"
    manager, writer, seo = [caller_of(call) for call in story.agents.calls()]
    assert manager.on_behalf_of == (person,)
    assert writer.on_behalf_of == (person, "techcorp/marketing-manager")
    assert seo.on_behalf_of == (person, "techcorp/marketing-manager", "techcorp/copywriter")
    assert [each.delegation_id for each in (manager, writer, seo)] == [str(hop.id) for hop in story.hops(task)]
    assert [each.message_id for each in (manager, writer, seo)] == [call.message_id for call in story.agents.calls()]


def test_a_call_is_good_for_no_other_agent_customer_or_body(story: Story) -> None:
    story.ended(story.submit())
    (call,) = story.agents.calls()

    with pytest.raises(CallRefusedError, match="Audience"):
        caller_of(call, agent="copywriter")
    with pytest.raises(CallRefusedError, match="Audience"):
        caller_of(call, customer_id="acmecorp")
    with pytest.raises(CallRefusedError, match="body"):
        caller_of(Call(call.agent, call.headers, call.raw + b" "))
    with pytest.raises(CallRefusedError, match="X-Customer-ID"):
        caller_of(Call(call.agent, {**call.headers, "x-customer-id": "acmecorp"}, call.raw))


def test_polls_are_signed_too_and_each_try_has_a_token_of_its_own(story: Story) -> None:
    story.agents.script("marketing-manager", [Status(503), Working(after_seconds=0.3, outcome=handle("Late."))])

    task = story.ended(story.submit())

    tries = story.agents.calls()
    polls = story.agents.calls(method="GetTask")
    assert task.result == "Late."
    assert len(tries) == 2
    assert polls
    tokens = {call.headers["x-gateway-token"] for call in (*tries, *polls)}
    assert len(tokens) == len(tries) + len(polls)
    assert {caller_of(call).message_id for call in (*tries, *polls)} == {tries[0].message_id}


def recorded(task: Task) -> str:
    """Return all that is kept of the task, as text."""
    of_task = [TaskEvent, Hop, DelegationLog, AuthorizationLog, LeakageLog]
    rows = [row for model in of_task for row in model._default_manager.filter(task_id=task.id).values()]
    return str([Task.objects.filter(id=task.id).values().get(), *rows])


def test_an_agents_own_credential_goes_with_its_calls_and_with_nobody_elses(
    story: Story, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    agent = Agent.objects.get(customer_id="techcorp", agent_type="copywriter")
    credential_set(agent, {"kind": "bearer", "token": "the-copywriters-own-token"}, now=agent.created_at)
    agent.save()
    story.agents.script("marketing-manager", [delegate("copywriter")])

    task = story.ended(story.submit())

    manager, writer = story.agents.calls()
    assert "authorization" not in manager.headers
    assert writer.headers["authorization"] == "Bearer the-copywriters-own-token"
    assert caller_of(writer).customer_id == "techcorp"
    for kept in (recorded(task), caplog.text):
        assert "the-copywriters-own-token" not in kept
        assert writer.headers["x-gateway-token"] not in kept


def test_a_credential_that_cannot_be_opened_fails_the_hop_and_says_nothing_of_it(story: Story) -> None:
    other = Agent.objects.get(customer_id="techcorp", agent_type="copywriter")
    credential_set(other, {"kind": "bearer", "token": "the-copywriters-own-token"}, now=other.created_at)
    manager = Agent.objects.filter(customer_id="techcorp", agent_type="marketing-manager")
    # Copied from another agent's row, it opens nowhere.
    manager.update(sealed_credential=other.sealed_credential, credential_kind="bearer")

    task = story.ended(story.submit())

    assert (task.status, task.error_code) == ("failed", "AGENT_CREDENTIAL_UNUSABLE")
    assert story.agents.calls() == []
