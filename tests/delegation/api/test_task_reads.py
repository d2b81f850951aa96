import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from delegation.models import Agent, Task, TaskEvent
from security.credentials import forget_members
from security.switches import forget_switches
from tests.delegation.api.conftest import Api, delegated, first_hop, submitted, waiting_for_answer, waiting_for_approval
from tests.people import Cast

TASK_FIELDS = set(
    "task_id customer_id status message agent priority result error created_at started_at completed_at hop_count"
    " cost_usd".split()
)
DELEGATION_FIELDS = set(
    "delegation_id parent_id depth agent_type agent_ve_id status action delegated_to confidence reason result_summary"
    " error attempt execution_time_seconds started_at completed_at approval findings".split()
)


def test_a_task_is_not_there_for_another_customer(task: Task, zoe: Api) -> None:
    absent = uuid.uuid4()
    for method, path in [
        ("get", "tasks/{}"),
        ("get", "tasks/{}/delegations"),
        ("get", "tasks/{}/events"),
        ("post", "tasks/{}/execute"),
        ("post", "tasks/{}/cancel"),
    ]:
        theirs = getattr(zoe, method)(path.format(task.pk), X_Request_ID="one")
        nothing = getattr(zoe, method)(path.format(absent), X_Request_ID="one")

        assert theirs.status_code == nothing.status_code == 404
        assert theirs.content == nothing.content
    assert zoe.get("tasks").json()["results"] == []


def test_a_task_that_failed_tells_why(alice: Api, task: Task) -> None:
    Task.objects.update(status="failed", error_code="AGENT_TIMEOUT", error_message="It took too long.")

    body = alice.get(f"tasks/{task.pk}").json()

    assert body["error"] == {"code": "AGENT_TIMEOUT", "message": "It took too long."}


def test_the_list_is_newest_first_in_pages_that_stay_right(people: Cast, alice: Api, agents: dict[str, Agent]) -> None:
    ids = [str(submitted(people.alice, f"Task {number}").pk) for number in range(5)][::-1]

    first = alice.get("tasks", {"limit": 2}).json()
    submitted(people.alice, "Newer than the first page")
    second = alice.get(first["next"].removeprefix("http://testserver")).json()
    third = alice.get(second["next"].removeprefix("http://testserver")).json()
    back = alice.get(second["previous"].removeprefix("http://testserver")).json()

    pages = [[task["task_id"] for task in page["results"]] for page in (first, second, third)]
    assert pages == [ids[:2], ids[2:4], ids[4:]]
    assert first["previous"] is None
    assert third["next"] is None
    assert [task["task_id"] for task in back["results"]] == ids[:2]


def test_the_list_narrows_by_status_agent_and_time(people: Cast, alice: Api, agents: dict[str, Agent]) -> None:
    old, edited, new = (
        submitted(people.alice),
        submitted(people.alice, agent_type="editor"),
        submitted(people.alice),
    )
    Task.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=2), status="canceled")

    def found(**query: Any) -> set[str]:
        response = alice.get("tasks", query)
        assert response.status_code == 200, response.json()
        return {task["task_id"] for task in response.json()["results"]}

    yesterday = timezone.now() - timedelta(days=1)
    recent = {str(edited.pk), str(new.pk)}
    assert found(status="canceled") == {str(old.pk)}
    assert found(status=["canceled", "submitted"]) == {str(old.pk)} | recent
    assert found(agent="editor") == {str(edited.pk)}
    assert found(created_after=yesterday.isoformat()) == recent
    assert found(created_after=yesterday.date().isoformat()) == recent
    assert found(created_before=yesterday.isoformat().replace("+00:00", "Z")) == {str(old.pk)}
    assert found(created_after=yesterday.isoformat(), agent="editor") == {str(edited.pk)}
    assert found(colour="blue") == {str(old.pk)} | recent


def test_a_plus_that_was_not_escaped_is_still_a_time_zone(alice: Api, task: Task) -> None:
    path = "/api/v1/tasks?created_after=2026-01-01T00:00:00+00:00&created_before=2999-01-01T00:00:00-01:00"

    assert len(alice.get(path).json()["results"]) == 1


@pytest.mark.parametrize(
    "query",
    [
        {"status": "done"},
        {"status": ""},
        {"created_after": "yesterday"},
        {"created_before": ""},
        {"created_after": "2026-13-01"},
        {"created_after": "2026-02-30T25:00:00Z"},
        {"agent": "a\0b"},
        {"limit": "0"},
        {"limit": "501"},
        {"limit": "-1"},
        {"limit": "ten"},
        {"cursor": ""},
        {"cursor": "zzz"},
        {"cursor": "é"},
        {"cursor": "cD03"},
        {"cursor": "bz0x"},
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused(alice: Api, query: dict[str, str]) -> None:
    response = alice.get("tasks", query)

    assert response.status_code == 400
    assert response.json()["error"] == "VALIDATION_ERROR"
    assert f"{next(iter(query))}:" in response.json()["detail"]


def test_the_tree_tells_each_decision(alice: Api, task: Task) -> None:
    parent, child = delegated(task)

    body = alice.get(f"tasks/{task.pk}/delegations").json()

    first, second = body["results"]
    assert first.keys() >= DELEGATION_FIELDS
    assert (first["delegation_id"], first["parent_id"], first["depth"]) == (str(parent.pk), None, 0)
    assert (first["action"], first["delegated_to"], first["confidence"]) == ("delegate", "copywriter", 0.8)
    assert first["execution_time_seconds"] == 2
    assert (second["delegation_id"], second["parent_id"], second["depth"]) == (str(child.pk), str(parent.pk), 1)
    assert (second["action"], second["approval"], second["clarification"]) == (None, None, None)
    assert body["next"] is body["previous"] is None


def test_the_tree_shows_what_a_hop_waits_for(people: Cast, alice: Api, agents: dict[str, Agent]) -> None:
    approval = waiting_for_approval(submitted(people.alice))
    question = waiting_for_answer(submitted(people.alice))

    asked = alice.get(f"tasks/{approval.task_id}/delegations").json()["results"]
    unsure = alice.get(f"tasks/{question.task_id}/delegations").json()["results"]

    assert asked[1]["approval"]["approval_id"] == str(approval.pk)
    assert unsure[0]["clarification"]["question"] == "Who is it for?"


@pytest.mark.parametrize(
    ("result", "summary"), [("x" * 900, "x" * 500), ({"a": 1}, '{"a":1}'), ([1, "é"], '[1,"é"]'), (None, "")]
)
def test_a_result_is_summed_up(alice: Api, task: Task, result: Any, summary: str) -> None:
    first_hop(task, result=result)

    assert alice.get(f"tasks/{task.pk}/delegations").json()["results"][0]["result_summary"] == summary


def test_events_come_in_order_after_the_number_asked_for(alice: Api, task: Task) -> None:
    TaskEvent.objects.bulk_create(
        TaskEvent(task=task, customer_id="techcorp", seq=seq, type="task.working", at=timezone.now(), data={})
        for seq in range(2, 6)
    )

    everything = alice.get(f"tasks/{task.pk}/events").json()
    two = alice.get(f"tasks/{task.pk}/events", {"after": 1, "limit": 2}).json()
    rest = alice.get(two["next"].removeprefix("http://testserver")).json()

    assert [event["seq"] for event in everything["results"]] == [1, 2, 3, 4, 5]
    assert everything["results"][0].keys() == {"task_id", "seq", "type", "at", "data"}
    assert everything["next"] is None
    assert [event["seq"] for event in two["results"]] == [2, 3]
    assert [event["seq"] for event in rest["results"]] == [4, 5]


@pytest.mark.parametrize("after", ["-1", "x", "", "1.5", "99999999999", "²"])
def test_events_after_nonsense_are_refused(alice: Api, task: Task, after: str) -> None:
    response = alice.get(f"tasks/{task.pk}/events", {"after": after})

    assert response.status_code == 400
    assert "after:" in response.json()["detail"]


def test_a_read_is_one_query_once_the_caller_is_known(alice: Api, task: Task, django_assert_num_queries: Any) -> None:
    forget_members()
    forget_switches()
    with django_assert_num_queries(5):
        alice.get("tasks")
    with django_assert_num_queries(1):
        alice.get("tasks")
    with django_assert_num_queries(1):
        alice.get(f"tasks/{task.pk}")
