from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from delegation.api.shapes import submitted_shape, task_shape
from delegation.models import Agent, Task
from delegation.states import TaskStatus
from tests.delegation.api.conftest import Api
from tests.people import Cast

TASK_FIELDS = set(
    "task_id customer_id status message agent priority result error created_at started_at completed_at hop_count"
    " cost_usd".split()
)
DELEGATION_FIELDS = set(
    "delegation_id parent_id depth agent_type agent_ve_id status action delegated_to confidence reason result_summary"
    " error attempt execution_time_seconds started_at completed_at approval findings".split()
)


def test_it_takes_a_task_and_answers_where_it_is(alice: Api, agents: dict[str, Agent]) -> None:
    response = alice.post("tasks", {"message": "Write a post."})

    body = response.json()
    assert response.status_code == 201
    assert body.keys() >= TASK_FIELDS
    assert (body["status"], body["customer_id"], body["agent"]) == ("submitted", "techcorp", "marketing-manager")
    assert (body["priority"], body["result"], body["error"]) == ("normal", None, None)
    assert response.headers["Location"] == f"http://testserver/api/v1/tasks/{body['task_id']}"
    assert (
        alice.get(response.headers["Location"].removeprefix("http://testserver")).json()["message"] == "Write a post."
    )


def test_it_takes_agent_priority_and_metadata(alice: Api, agents: dict[str, Agent]) -> None:
    sent = {"message": "Edit.", "agent": "editor", "priority": "urgent", "metadata": {"a": [1, {"b": None}]}}

    body = alice.post("tasks", {**sent, "colour": "of no meaning", "customer_id": "techcorp"}).json()

    assert {name: body[name] for name in sent} == sent
    assert body["customer_id"] == "techcorp"


def test_the_callers_trace_goes_on(alice: Api, agents: dict[str, Agent]) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"

    body = alice.post("tasks", {"message": "Write."}, traceparent=f"00-{trace_id}-00f067aa0ba902b7-01").json()

    assert body["trace_id"] == trace_id


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "message"),
        ({"message": ""}, "message"),
        ({"message": "  "}, "message"),
        ({"message": None}, "message"),
        ({"message": 7}, "message"),
        ({"message": ["Write."]}, "message"),
        ({"message": "Write.", "agent": 7}, "agent"),
        ({"message": "Write.", "agent": "x" * 65}, "agent"),
        ({"message": "Write.", "priority": "asap"}, "priority"),
        ({"message": "Write.", "priority": 1}, "priority"),
        ({"message": "Write.", "priority": {}}, "priority"),
        ({"message": "Write.", "start": "yes"}, "start"),
        ({"message": "Write.", "start": 1}, "start"),
        ({"message": "Write.", "metadata": "text"}, "metadata"),
        ({"message": "Write.", "metadata": [1]}, "metadata"),
    ],
)
def test_a_wrong_field_is_named(alice: Api, agents: dict[str, Agent], body: dict[str, Any], field: str) -> None:
    response = alice.post("tasks", body)

    assert response.status_code == 400
    assert response.json()["error"] == "VALIDATION_ERROR"
    assert f"{field}:" in response.json()["detail"]
    assert not Task.objects.exists()


def test_an_agent_that_is_not_there_is_not_found(alice: Api, agents: dict[str, Agent]) -> None:
    Agent.objects.filter(agent_type="editor").update(enabled=False)

    unknown = alice.post("tasks", {"message": "Write.", "agent": "astronaut"})
    disabled = alice.post("tasks", {"message": "Write.", "agent": "editor"})

    assert unknown.status_code == disabled.status_code == 404
    assert unknown.json()["detail"] == disabled.json()["detail"]


def test_a_viewer_may_look_but_not_submit(carol: Api, task: Task) -> None:
    assert carol.post("tasks", {"message": "Write."}).status_code == 403
    assert carol.get(f"tasks/{task.pk}").status_code == 200


def test_the_same_key_and_body_give_the_first_answer_again(alice: Api, agents: dict[str, Agent]) -> None:
    sent = {"message": "Write.", "priority": "high"}
    first = alice.post("tasks", sent, Idempotency_Key="k-1")
    Task.objects.update(status="completed", result="Done.", completed_at=timezone.now(), hop_count=3)

    again = alice.post("tasks", sent, Idempotency_Key="k-1")

    assert again.status_code == 201
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert Task.objects.count() == 1


def test_the_same_key_with_another_body_conflicts(alice: Api, agents: dict[str, Agent]) -> None:
    alice.post("tasks", {"message": "Write."}, Idempotency_Key="k-1")

    response = alice.post("tasks", {"message": "Write more."}, Idempotency_Key="k-1")

    assert response.status_code == 409
    assert response.json()["error"] == "CONFLICT"
    assert Task.objects.count() == 1


def test_another_customer_has_keys_of_its_own(people: Cast, alice: Api, zoe: Api, agents: dict[str, Agent]) -> None:
    Agent.objects.create(
        customer_id="acmecorp",
        ve_id="a-1",
        agent_type="clerk",
        name="Clerk",
        is_root=True,
        endpoint_url="http://127.0.0.1:1/clerk",
    )
    ours = alice.post("tasks", {"message": "Write."}, Idempotency_Key="k-1").json()

    theirs = zoe.post("tasks", {"message": "Write."}, Idempotency_Key="k-1")

    assert theirs.status_code == 201
    assert theirs.json()["task_id"] != ours["task_id"]


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there"])
def test_a_key_that_cannot_be_kept_is_refused(alice: Api, agents: dict[str, Agent], key: str) -> None:
    response = alice.post("tasks", {"message": "Write."}, Idempotency_Key=key)

    assert response.status_code == 400
    assert "Idempotency-Key" in response.json()["detail"]


@pytest.mark.django_db(transaction=True)
def test_posts_at_once_with_one_key_make_one_task(people: Cast, agents: dict[str, Agent]) -> None:
    def post(api: Api) -> tuple[int, bytes]:
        response = api.post("tasks", {"message": "Write."}, Idempotency_Key="k-1")
        connections.close_all()
        return response.status_code, response.content

    apis = [Api(people.alice) for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        answers = set(threads.map(post, apis))

    assert [status for status, _ in answers] == [201]
    assert Task.objects.count() == 1


@pytest.mark.parametrize("path", ["tasks/7", "tasks/not-an-id", "tasks/7/cancel", "approvals/x/approve", "nothing"])
def test_an_id_that_is_none_is_not_found(alice: Api, path: str) -> None:
    response = alice.post(path)

    assert response.status_code == 404
    assert response.json()["error"] == "NOT_FOUND"


def test_an_address_may_end_in_a_slash(alice: Api, agents: dict[str, Agent]) -> None:
    response = alice.post("tasks/", {"message": "Write."})

    assert response.status_code == 201
    assert alice.get(f"tasks/{response.json()['task_id']}/").status_code == 200


def test_a_task_waits_for_its_execute_call(alice: Api, agents: dict[str, Agent]) -> None:
    task_id = alice.post("tasks", {"message": "Later.", "start": False}).json()["task_id"]

    started = alice.post(f"tasks/{task_id}/execute")
    again = alice.post(f"tasks/{task_id}/execute")

    assert started.status_code == 200
    assert started.json()["hop_count"] == 1
    assert again.status_code == 409


def test_a_task_is_cancelled_with_what_is_under_it(alice: Api, task: Task) -> None:
    response = alice.post(f"tasks/{task.pk}/cancel")

    assert response.status_code == 200
    assert response.json()["status"] == "canceled"
    assert alice.get(f"tasks/{task.pk}/delegations").json()["results"][0]["status"] == "canceled"
    assert alice.post(f"tasks/{task.pk}/cancel").status_code == 409


def test_the_shape_of_a_new_task_is_that_of_its_acceptance_but_for_its_first_hop(task: Task) -> None:
    task.refresh_from_db()

    assert submitted_shape(task) == task_shape(task) | {"hop_count": 0}
    assert task.status == TaskStatus.SUBMITTED
