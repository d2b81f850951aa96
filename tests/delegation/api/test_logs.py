"""The delegation log and the authorisation log over REST: columns, filters, pages, and whose rows they are."""

from datetime import timedelta
from typing import Any

import pytest

from audit.models import AuthorizationLog, DelegationLog
from delegation.models import Task
from tests.delegation import rows
from tests.delegation.api.conftest import Api
from tests.people import Cast

LOGS: dict[str, type[DelegationLog | AuthorizationLog]] = {
    "audit/delegations": DelegationLog,
    "audit/authorizations": AuthorizationLog,
}


@pytest.fixture
def task(people: Cast) -> Task:
    rows.employ("manager", seniority="manager")
    rows.employ("manager", customer_id="acmecorp", seniority="manager")
    task = rows.submitted(people.alice)
    rows.logged(task)
    rows.logged(rows.submitted(people.zoe))
    return task


def results(api: Api, path: str, query: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    response = api.get(path, query)
    assert response.status_code == 200, response.content
    found: list[dict[str, Any]] = response.json()["results"]
    return found


@pytest.mark.parametrize("path", LOGS)
def test_it_has_the_columns_of_the_table(task: Task, alice: Api, path: str) -> None:
    columns = {field.column for field in LOGS[path]._meta.concrete_fields}
    assert {frozenset(row) for row in results(alice, path)} == {frozenset(columns)}


@pytest.mark.parametrize("path", LOGS)
def test_it_holds_the_customers_own_rows_alone(task: Task, alice: Api, zoe: Api, path: str) -> None:
    assert {row["customer_id"] for row in results(alice, path)} == {"techcorp"}
    assert {row["customer_id"] for row in results(zoe, path)} == {"acmecorp"}
    assert results(zoe, path, {"task_id": str(task.pk)}) == []
    assert alice.get(path, {"customer_id": "acmecorp"}).status_code == 404
    assert len(results(alice, path, {"customer_id": "techcorp"})) == len(results(alice, path))


@pytest.mark.parametrize(
    ("path", "query", "count"),
    [
        ("audit/delegations", {"action": "handle"}, 1),
        ("audit/delegations", {"action": ["delegate", "parallel"]}, 0),
        ("audit/delegations", {"status": ["completed", "failed"]}, 1),
        ("audit/delegations", {"status": "failed"}, 0),
        ("audit/delegations", {"agent": "copywriter", "agent_ve_id": "ve-copywriter"}, 1),
        ("audit/delegations", {"agent": "editor"}, 0),
        ("audit/authorizations", {"authorized": "false"}, 1),
        ("audit/authorizations", {"action": "delegate_to"}, 1),
        ("audit/authorizations", {"action": "invoke"}, 0),
        ("audit/authorizations", {"agent": "editor"}, 1),
        ("audit/authorizations", {"agent_ve_id": "ve-copywriter"}, 1),
        ("audit/authorizations", {"agent_ve_id": "ve-nobody"}, 0),
    ],
)
def test_it_is_narrowed_by_each_column(task: Task, alice: Api, path: str, query: dict[str, Any], count: int) -> None:
    assert len(results(alice, path, query)) == count


@pytest.mark.parametrize("path", LOGS)
def test_it_is_narrowed_by_task_and_time(task: Task, alice: Api, path: str) -> None:
    at = LOGS[path].objects.of_customer("techcorp").earliest("id").created_at
    before, after = ((at + timedelta(hours=hours)).isoformat() for hours in (-1, 1))
    assert results(alice, path, {"task_id": str(task.pk)})
    assert results(alice, path, {"created_after": before, "created_before": after})
    assert not results(alice, path, {"created_after": after})
    assert not results(alice, path, {"created_before": before})


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("audit/delegations", {"action": "invoke"}),
        ("audit/delegations", {"status": "done"}),
        ("audit/delegations", {"task_id": "1"}),
        ("audit/authorizations", {"authorized": "yes"}),
        ("audit/authorizations", {"action": "handle"}),
        ("audit/authorizations", {"created_after": "yesterday"}),
        ("audit/authorizations", {"agent": "a\0"}),
    ],
)
def test_what_makes_no_sense_is_refused(task: Task, alice: Api, path: str, query: dict[str, Any]) -> None:
    response = alice.get(path, query)
    assert (response.status_code, response.json()["error"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("path", LOGS)
def test_it_comes_in_pages_with_the_newest_first(task: Task, alice: Api, path: str) -> None:
    for _ in range(4):
        rows.logged(task)
    seen, page = [], alice.get(path, {"limit": 2}).json()
    while True:
        seen += [row["id"] for row in page["results"]]
        if page["next"] is None:
            break
        page = alice.get(page["next"].removeprefix("http://testserver")).json()

    stored = LOGS[path].objects.of_customer("techcorp").order_by("-id").values_list("id", flat=True)
    assert seen == [str(each) for each in stored]


def test_reading_a_log_goes_on_record_once(task: Task, alice: Api) -> None:
    for _ in range(3):
        results(alice, "audit/delegations")

    (row,) = AuthorizationLog.objects.filter(authorization_reason__contains="reads the delegation log")
    assert (row.customer_id, row.action, row.request_headers["Door"]) == ("techcorp", "access_context", "rest")
