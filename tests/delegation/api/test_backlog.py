"""Where too much work waits already, more is refused before it costs anything."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from delegation.models import Task
from delegation.services.backlog import forget_backlog
from delegation.services.tasks import task_submit
from tests.delegation.rows import employ
from tests.people import Cast, Person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _employers(people: Cast) -> None:
    employ("manager", is_root=True)
    employ("manager", customer_id="acmecorp", is_root=True)


def post(client: Client, person: Person, **body: Any) -> Any:
    sent = {"message": "Write."} | body
    return client.post("/api/v1/tasks", sent, content_type="application/json", headers={"X-API-Key": person.api_key})


def test_a_customer_with_too_much_waiting_is_told_when_to_come_back(
    client: Client, people: Cast, settings: Any
) -> None:
    settings.A2A_MAX_PENDING_PER_CUSTOMER = 3
    for _ in range(3):
        assert post(client, people.alice).status_code == 201

    refused = post(client, people.alice)

    assert refused.status_code == 503
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.headers["Retry-After"] == "5"
    assert (refused.json()["error"], refused.json()["retryable"]) == ("OVERLOADED", True)
    assert Task.objects.of_customer("techcorp").count() == 3
    assert post(client, people.zoe).status_code == 201


def test_an_installation_with_too_much_waiting_takes_nobodys_work(client: Client, people: Cast, settings: Any) -> None:
    settings.A2A_MAX_PENDING = 2
    assert post(client, people.alice).status_code == 201
    assert post(client, people.zoe).status_code == 201

    refused = post(client, people.zoe)

    assert (refused.status_code, refused.json()["error"]) == (503, "OVERLOADED")
    assert "acmecorp" not in refused.content.decode()


def test_what_is_not_to_start_yet_is_taken_and_refused_at_its_start(
    client: Client, people: Cast, settings: Any
) -> None:
    settings.A2A_MAX_PENDING_PER_CUSTOMER = 1
    assert post(client, people.alice).status_code == 201

    kept = post(client, people.alice, start=False)

    assert kept.status_code == 201
    started = client.post(
        f"/api/v1/tasks/{kept.json()['task_id']}/execute", headers={"X-API-Key": people.alice.api_key}
    )
    assert (started.status_code, started.json()["error"]) == (503, "OVERLOADED")
    assert Task.objects.get(id=kept.json()["task_id"]).hop_count == 0


def test_a_refused_task_counts_against_no_limit(client: Client, people: Cast, settings: Any) -> None:
    settings.A2A_MAX_PENDING_PER_CUSTOMER = 1
    settings.A2A_LIMIT_CUSTOMER_TASKS_PER_DAY = 2
    assert post(client, people.alice).status_code == 201
    assert [post(client, people.alice).json()["error"] for _ in range(5)] == ["OVERLOADED"] * 5

    settings.A2A_MAX_PENDING_PER_CUSTOMER = 10
    assert post(client, people.alice).status_code == 201
    assert post(client, people.alice).json()["error"] == "RATE_LIMIT_EXCEEDED"


def test_the_count_is_not_made_for_each_request(
    people: Cast, django_assert_max_num_queries: Any, settings: Any
) -> None:
    forget_backlog()
    submit(people)
    with django_assert_max_num_queries(60) as asked:
        for _ in range(5):
            submit(people)

    assert not [query for query in asked.captured_queries if "COUNT(" in query["sql"]]


def submit(people: Cast) -> None:
    task_submit(principal=people.alice.principal, message="m", now=timezone.now())
