"""Delegation rules and grants over REST, and what they change for people."""

import uuid
from typing import Any

import pytest

from delegation.models import Agent, AgentGrant, DelegationRule
from tests.delegation.api.conftest import Api, submitted, waiting_for_approval
from tests.people import Cast

RULE = {"agent_from": "editor", "agent_to": "marketing-manager", "effect": "allow", "reason": "Sign-off."}


def grant(owner: Api, **body: str) -> Any:
    response = owner.post("grants", {"agent": "copywriter", "username": "carol", "may": "invoke", **body})
    assert response.status_code == 201, response.content
    return response.json()


def restrict(*agent_types: str) -> None:
    Agent.objects.filter(agent_type__in=agent_types).update(restricted=True)


def test_a_rule_is_made_listed_and_taken_back(alice: Api, agents: dict[str, Agent]) -> None:
    rule = alice.post("rules", RULE).json()

    assert {name: rule[name] for name in RULE} == RULE
    assert rule["owner"] == "alice"
    assert alice.get("rules").json()["results"] == [rule]
    assert alice.post("rules", RULE).status_code == 409
    assert alice.delete(f"rules/{rule['rule_id']}").json() == {"deleted": True}
    assert alice.delete(f"rules/{rule['rule_id']}").status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"agent_from": "nobody"}, "agent_from"),
        ({"agent_to": "nobody\x01"}, "agent_to"),
        ({"agent_to": "editor"}, "agent_to"),
        ({"effect": "perhaps"}, "effect"),
        ({"reason": " "}, "reason"),
        ({"reason": "x" * 101}, "reason"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_by_field(
    alice: Api, agents: dict[str, Agent], change: dict[str, str], field: str
) -> None:
    response = alice.post("rules", RULE | change)

    assert response.status_code == 400
    assert field in response.json()["detail"]


def test_nobody_rules_over_or_grants_another_customers_agents(
    alice: Api, zoe: Api, people: Cast, agents: dict[str, Agent]
) -> None:
    rule, granted = alice.post("rules", RULE).json(), grant(alice)

    assert zoe.post("rules", RULE).status_code == 400
    assert zoe.post("grants", {"agent": "copywriter", "username": "zoe", "may": "invoke"}).status_code == 400
    assert alice.post("grants", {"agent": "copywriter", "username": "zoe", "may": "invoke"}).status_code == 400
    assert zoe.get("rules").json()["results"] == zoe.get("grants").json()["results"] == []
    for path, own in (("rules", rule["rule_id"]), ("grants", granted["grant_id"])):
        theirs = zoe.delete(f"{path}/{own}", X_Request_ID="one")
        nothing = zoe.delete(f"{path}/{uuid.uuid4()}", X_Request_ID="one")
        assert (theirs.status_code, theirs.content) == (404, nothing.content)
    assert (DelegationRule.objects.count(), AgentGrant.objects.count()) == (1, 1)


def test_an_operator_has_no_restricted_agent_work_for_them_but_by_a_grant(
    alice: Api, people: Cast, agents: dict[str, Agent]
) -> None:
    people.carol.user.memberships.update(role="operator")
    restrict("copywriter")
    carol = Api(people.carol)
    task = {"message": "Write.", "agent": "copywriter"}

    assert carol.post("tasks", task).status_code == 403
    assert alice.post("tasks", task).status_code == 201, "an owner may always"
    granted = grant(alice)
    assert carol.post("tasks", task).status_code == 201
    alice.delete(f"grants/{granted['grant_id']}")
    assert carol.post("tasks", task).status_code == 403


def test_a_viewer_with_a_grant_has_that_agent_work_and_no_other(
    alice: Api, carol: Api, agents: dict[str, Agent]
) -> None:
    grant(alice)

    assert carol.post("tasks", {"message": "Write.", "agent": "copywriter"}).status_code == 201
    assert carol.post("tasks", {"message": "Edit.", "agent": "editor"}).status_code == 403
    assert carol.post("tasks", {"message": "Whatever."}).status_code == 403, "the root agent is another"


def test_a_grant_to_approve_is_for_that_agent_alone(
    alice: Api, carol: Api, people: Cast, agents: dict[str, Agent]
) -> None:
    approval = waiting_for_approval(submitted(people.alice))
    assert carol.post(f"approvals/{approval.pk}/approve").status_code == 403
    grant(alice, agent="editor", may="approve")
    assert carol.post(f"approvals/{approval.pk}/approve").status_code == 403

    grant(alice, may="approve")

    assert carol.post(f"approvals/{approval.pk}/approve").json()["status"] == "approved"


def test_a_grant_never_lets_anyone_approve_their_own_task(
    alice: Api, carol: Api, people: Cast, agents: dict[str, Agent]
) -> None:
    grant(alice, agent="marketing-manager")
    grant(alice, may="approve")
    approval = waiting_for_approval(submitted(people.carol, agent_type="marketing-manager"))

    refused = carol.post(f"approvals/{approval.pk}/approve")

    assert refused.status_code == 403
    assert "your own task" in refused.json()["detail"]


def test_a_key_without_the_scope_has_no_use_of_a_grant(alice: Api, people: Cast, agents: dict[str, Agent]) -> None:
    restrict("copywriter")
    key = alice.post("keys", {"name": "reader", "scopes": ["task_view"]}).json()["api_key"]

    assert Api().post("tasks", {"message": "Go.", "agent": "copywriter"}, X_API_Key=key).status_code == 403
