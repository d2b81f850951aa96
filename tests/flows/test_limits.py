"""How many tasks a customer may submit in a day."""

from typing import Any

import pytest
from django.test import Client

from delegation.models import Task
from security.errors import RateLimitExceeded
from tests.agents import AgentServer
from tests.people import Cast, team


@pytest.fixture(autouse=True)
def two_a_day(settings: Any, people: Cast, agent_server: AgentServer) -> None:
    settings.A2A_LIMIT_CUSTOMER_TASKS_PER_DAY = 2
    team(agent_server)
    team(agent_server, customer_id="acmecorp")


def submit(client: Client, key: str, **headers: str) -> Any:
    return client.post("/api/v1/tasks", {"message": "Write"}, "application/json", headers={"X-API-Key": key, **headers})


def test_one_task_more_than_allowed_is_refused_with_when_to_come_back(client: Client, people: Cast) -> None:
    key = people.alice.api_key
    assert [submit(client, key).status_code for _ in range(2)] == [201, 201]

    refused = submit(client, key)

    assert (refused.status_code, refused.json()["error"]) == (429, RateLimitExceeded.code)
    assert 0 < int(refused.headers["Retry-After"]) <= 86400
    assert "2" in refused.headers["RateLimit-Policy"]
    assert "r=0" in refused.headers["RateLimit"]
    assert Task.objects.count() == 2


def test_another_customer_is_not_affected(client: Client, people: Cast) -> None:
    key = people.alice.api_key
    for _ in range(3):
        submit(client, key)

    assert submit(client, people.zoe.api_key).status_code == 201


def test_a_repeated_request_counts_once(client: Client, people: Cast) -> None:
    key = people.alice.api_key
    for _ in range(5):
        assert submit(client, key, **{"Idempotency-Key": "once"}).status_code == 201

    assert submit(client, key).status_code == 201
    assert Task.objects.count() == 2


def test_a_hit_is_counted_in_the_metrics(client: Client, people: Cast) -> None:
    key = people.alice.api_key
    for _ in range(3):
        submit(client, key)

    assert 'a2a_rate_limit_hits_total{customer_id="techcorp",limit_type="customer"}' in client.get("/metrics").text
