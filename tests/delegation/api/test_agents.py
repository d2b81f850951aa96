import uuid
from typing import Any

import pytest

from delegation.api import samples
from delegation.models import Agent
from tests.agents import AgentServer
from tests.delegation.api.conftest import Api

FIELDS = {"agent_type", "name", "endpoint_url", "seniority", "skills", "requires_approval", "enabled"}


def new_agent(**changes: Any) -> dict[str, Any]:
    return {**samples.AGENT_REQUEST, **changes}


def test_the_list_holds_the_customers_own_agents(alice: Api, zoe: Api, agents: dict[str, Agent]) -> None:
    shown = alice.get("agents").json()["results"]

    assert {agent["agent_type"] for agent in shown} == agents.keys()
    assert shown[0].keys() >= FIELDS
    assert zoe.get("agents").json()["results"] == []


def test_an_agent_is_employed_read_and_changed(alice: Api) -> None:
    made = alice.post("agents", new_agent())
    assert made.status_code == 201
    agent_id = made.json()["agent_id"]
    assert made.json()["created_at"].endswith("Z")

    changed = alice.patch(f"agents/{agent_id}", {"seniority": "senior", "enabled": False})

    assert changed.status_code == 200
    read = alice.get(f"agents/{agent_id}").json()
    assert read == made.json() | {"seniority": "senior", "enabled": False}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"agent_type": "Not A Slug"}, "agent_type"),
        ({"agent_type": 7}, "agent_type"),
        ({"name": None}, "name"),
        ({"seniority": "intern"}, "seniority"),
        ({"skills": "german"}, "skills"),
        ({"skills": [7]}, "skills"),
        ({"enabled": "no"}, "enabled"),
        ({"timeout_seconds": "7"}, "timeout_seconds"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"timeout_seconds": True}, "timeout_seconds"),
    ],
)
def test_a_wrong_field_is_named(alice: Api, changes: dict[str, Any], field: str) -> None:
    response = alice.post("agents", new_agent(**changes))

    assert response.status_code == 400
    assert field in response.json()["detail"]


def test_a_private_address_that_is_not_allowed_is_refused(alice: Api) -> None:
    response = alice.post("agents", new_agent(endpoint_url="http://169.254.169.254/latest"))

    assert response.status_code == 400
    assert response.json()["error"] == "VALIDATION_ERROR"


def test_a_second_agent_of_a_type_conflicts(alice: Api, agents: dict[str, Agent]) -> None:
    assert alice.post("agents", new_agent(agent_type="editor")).status_code == 409


def test_nobody_employs_at_another_customer(alice: Api, zoe: Api, agents: dict[str, Agent]) -> None:
    refused = alice.post("agents", new_agent(customer_id="acmecorp"), X_Request_ID="one")
    absent = alice.get(f"agents/{uuid.uuid4()}", X_Request_ID="one")

    assert (refused.status_code, refused.content) == (404, absent.content)
    assert Agent.objects.filter(agent_type="translator").count() == 0
    for method, path in [("get", "agents/{}"), ("patch", "agents/{}"), ("post", "agents/{}/check")]:
        theirs = getattr(zoe, method)(path.format(agents["editor"].pk), X_Request_ID="one")
        nothing = getattr(zoe, method)(path.format(uuid.uuid4()), X_Request_ID="one")
        assert theirs.status_code == 404
        assert theirs.content == nothing.content


def test_who_may_not_edit_may_still_look(carol: Api, agents: dict[str, Agent]) -> None:
    assert carol.post("agents", new_agent()).status_code == 403
    assert carol.patch(f"agents/{agents['editor'].pk}", {"enabled": False}).status_code == 403
    assert carol.get("agents").status_code == 200


def test_a_check_fetches_the_card(alice: Api, agents: dict[str, Agent], agent_server: AgentServer) -> None:
    response = alice.post(f"agents/{agents['editor'].pk}/check")

    body = response.json()
    assert response.status_code == 200
    assert (body["reachable"], body["error"]) == (True, None)
    assert body["card"]["name"] == "editor"
    assert body["response_time_seconds"] > 0
    assert agent_server.card_fetches("editor") == 1


def test_a_check_of_an_agent_that_is_away_says_so(
    alice: Api, agents: dict[str, Agent], agent_server: AgentServer
) -> None:
    with agent_server.refused_url() as url:
        Agent.objects.filter(agent_type="editor").update(endpoint_url=url)
        body = alice.post(f"agents/{agents['editor'].pk}/check").json()

    assert (body["reachable"], body["card"]) == (False, None)
    assert body["error"]["code"] == "AGENT_UNAVAILABLE"
