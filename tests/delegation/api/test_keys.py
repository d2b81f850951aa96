"""API keys over REST: made by an owner, shown once, narrowed by scopes, revoked at once."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from delegation.models import Agent
from security.models import ApiKey
from tests.delegation.api.conftest import Api
from tests.people import Cast


def made(owner: Api, **body: Any) -> Any:
    response = owner.post("keys", {"name": "reports", **body})
    assert response.status_code == 201, response.content
    return response.json()


def with_key(key: Any) -> Any:
    return {"X_API_Key": key["api_key"]}


def test_a_key_is_shown_once_and_kept_as_a_hash(alice: Api) -> None:
    key = made(alice)

    listed = alice.get("keys")

    assert key["api_key"].startswith(key["prefix"])
    assert key["api_key"] not in listed.content.decode()
    assert key["api_key"] not in str(list(ApiKey.objects.values()))
    assert listed.json()["results"][0] == {name: value for name, value in key.items() if name != "api_key"}


def test_a_revoked_key_opens_nothing_from_the_answer_on(alice: Api, people: Cast) -> None:
    key = made(alice)
    assert Api().get("tasks", **with_key(key)).status_code == 200

    revoked = alice.post(f"keys/{key['key_id']}/revoke")

    assert revoked.json()["revoked_at"] is not None
    assert Api().get("tasks", **with_key(key)).status_code == 401
    again = alice.post(f"keys/{key['key_id']}/revoke").json()
    assert again["revoked_at"] == revoked.json()["revoked_at"]


def test_a_key_may_what_its_scopes_say_and_no_more(alice: Api, agents: dict[str, Agent]) -> None:
    key = with_key(made(alice, scopes=["task_view"]))

    assert Api().get("tasks", **key).status_code == 200
    assert Api().post("tasks", {"message": "Write."}, **key).status_code == 403
    assert Api().get("agents", **key).status_code == 403
    assert Api().get("keys", **key).status_code == 403


def test_a_key_makes_no_key_that_may_more_than_itself(alice: Api) -> None:
    narrow = with_key(made(alice, scopes=["key_edit", "people_view"]))

    wider = Api().post("keys", {"name": "wider", "scopes": ["task_submit"]}, **narrow)
    same = Api().post("keys", {"name": "same"}, **narrow)

    assert wider.status_code == 400
    assert "scopes: task_submit" in wider.json()["detail"]
    assert same.json()["scopes"] == ["key_edit", "people_view"]


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": " "},
        {"name": "x" * 101},
        {"name": "a\nb"},
        {"scopes": ["everything"]},
        {"scopes": []},
        {"scopes": "task_view"},
        {"expires_at": "2001-01-01T00:00:00Z"},
        {"expires_at": "tomorrow"},
    ],
)
def test_a_key_that_makes_no_sense_is_refused_by_field(alice: Api, body: dict[str, Any]) -> None:
    response = alice.post("keys", {"name": "reports", **body})

    assert response.status_code == 400
    assert next(iter(body)) in response.json()["detail"]
    assert not ApiKey.objects.filter(name="reports").exists()


def test_an_expired_key_opens_nothing(alice: Api) -> None:
    key = made(alice, expires_at=(timezone.now() + timedelta(hours=1)).isoformat())
    assert Api().get("tasks", **with_key(key)).status_code == 200

    ApiKey.objects.filter(key_id=key["key_id"]).update(expires_at=timezone.now())

    assert Api().get("tasks", **with_key(key)).status_code == 401


def test_the_last_use_is_noted_once_a_minute(alice: Api) -> None:
    key = made(alice)
    with CaptureQueriesContext(connection) as queries:
        for _ in range(3):
            Api().get("tasks", **with_key(key))
    row = ApiKey.objects.get(key_id=key["key_id"])

    assert row.last_used_at is not None
    assert len([each for each in queries if each["sql"].startswith("UPDATE")]) == 1
    earlier = row.last_used_at - timedelta(minutes=2)
    ApiKey.objects.filter(pk=row.pk).update(last_used_at=earlier)
    Api().get("tasks", **with_key(key))
    row.refresh_from_db()
    assert row.last_used_at > earlier


def test_another_customers_keys_are_as_absent_as_none(alice: Api, zoe: Api) -> None:
    key = made(alice)

    assert {each["customer_id"] for each in zoe.get("keys").json()["results"]} == {"acmecorp"}
    theirs = zoe.post(f"keys/{key['key_id']}/revoke", X_Request_ID="one")
    nothing = zoe.post(f"keys/{uuid.uuid4()}/revoke", X_Request_ID="one")
    assert (theirs.status_code, theirs.content) == (404, nothing.content)
    assert Api().get("tasks", **with_key(key)).status_code == 200
