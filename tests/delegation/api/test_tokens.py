import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.utils import timezone

from security.credentials import MEMBERSHIP_REMEMBERED_SECONDS, forget_members, member_of
from security.models import ApiKey, Customer, Membership, Role
from security.services import api_key_create
from tests.delegation.api.conftest import Api
from tests.people import PASSWORD, Cast


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def forged(person: Any, *, key: str = settings.SECRET_KEY, **changes: Any) -> str:
    return jwt.encode({**claims(person.token), **changes}, key, algorithm="HS256")


def reads(token: str) -> int:
    return int(Api().get("tasks", Authorization=f"Bearer {token}").status_code)


def log_in(**more: str) -> Any:
    return Api().post("auth/token", {"username": "alice", "password": PASSWORD, **more})


def test_it_gives_tokens_for_a_password(people: Cast) -> None:
    response = log_in()

    assert response.status_code == 200
    body = response.json()
    assert (body["token_type"], body["customer_id"], body["username"]) == ("Bearer", "techcorp", "alice")
    assert body["role"] == "owner"
    assert body["expires_in"] == timedelta(minutes=15).total_seconds()
    assert response.headers["Cache-Control"] == "no-store"


def test_the_access_token_carries_customer_name_and_role_and_opens_the_door(people: Cast) -> None:
    token = log_in().json()["access"]

    assert claims(token)["customer_id"] == "techcorp"
    assert claims(token)["username"] == "alice"
    assert claims(token)["role"] == "owner"
    assert reads(token) == 200


@pytest.mark.parametrize("changes", [{"password": "wrong"}, {"username": "nobody"}, {"customer": "acmecorp"}])
def test_it_refuses_a_login_without_saying_which_part_was_wrong(people: Cast, changes: dict[str, str]) -> None:
    response = log_in(**changes)

    assert response.status_code == 401
    assert response.json()["error"] == "AUTH_FAILED"
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_person_of_two_customers_chooses_one(people: Cast) -> None:
    Membership.objects.create(user=people.alice.user, customer_id="acmecorp", role=Role.VIEWER)

    assert claims(log_in(customer="acmecorp").json()["access"])["customer_id"] == "acmecorp"
    assert claims(log_in(customer="techcorp").json()["access"])["customer_id"] == "techcorp"


def test_refresh_gives_a_new_pair_with_the_present_role(people: Cast) -> None:
    first = log_in().json()
    Membership.objects.filter(user=people.alice.user).update(role=Role.VIEWER)

    second = Api().post("auth/refresh", {"refresh": first["refresh"]}).json()

    assert second["refresh"] != first["refresh"]
    assert second["role"] == claims(second["access"])["role"] == "viewer"
    assert reads(second["access"]) == 200


def test_refresh_is_refused_to_who_has_left(people: Cast) -> None:
    refresh = log_in().json()["refresh"]
    Membership.objects.filter(user=people.alice.user).delete()

    assert Api().post("auth/refresh", {"refresh": refresh}).status_code == 401


def test_an_access_token_is_no_refresh_token_nor_the_other_way_round(people: Cast) -> None:
    pair = log_in().json()

    assert Api().post("auth/refresh", {"refresh": pair["access"]}).status_code == 401
    assert reads(pair["refresh"]) == 401


def test_it_refuses_forged_expired_and_unsigned_tokens(people: Cast) -> None:
    expired = forged(people.alice, exp=int((datetime.now(UTC) - timedelta(seconds=1)).timestamp()))
    unsigned = jwt.encode(claims(people.alice.token), "", algorithm="none")
    head, _, signature = people.alice.token.split(".")
    changed = {**claims(people.alice.token), "customer_id": "acmecorp"}
    tampered = ".".join([head, base64.urlsafe_b64encode(json.dumps(changed).encode()).decode().rstrip("="), signature])

    for token in [forged(people.alice, key="k" * 50), expired, unsigned, tampered, "x", "", "a.b.c", "é"]:
        assert reads(token) == 401, token


@pytest.mark.parametrize(
    "changes", [{"sub": "no number"}, {"sub": "999999"}, {"customer_id": "acmecorp"}, {"customer_id": None}]
)
def test_a_signed_token_is_not_enough_without_the_membership(people: Cast, changes: dict[str, Any]) -> None:
    assert reads(forged(people.alice, **changes)) == 401


@pytest.mark.parametrize("change", ["membership", "user", "customer"])
def test_who_is_dismissed_loses_access_when_the_membership_is_looked_up_again(people: Cast, change: str) -> None:
    token = people.alice.token
    assert reads(token) == 200

    if change == "membership":
        Membership.objects.filter(user=people.alice.user).delete()
    elif change == "user":
        type(people.alice.user).objects.filter(pk=people.alice.user.pk).update(is_active=False)
    else:
        Customer.objects.filter(pk="techcorp").update(is_active=False)
    assert reads(token) == 200, "remembered for a moment"
    forget_members()

    assert reads(token) == 401


def test_a_membership_is_remembered_for_seconds_only(people: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered = member_of(user_id=people.alice.user.pk, customer_id="techcorp")
    assert member_of(user_id=people.alice.user.pk, customer_id="techcorp") is remembered

    real = __import__("time").monotonic
    monkeypatch.setattr("security.members.time.monotonic", lambda: real() + MEMBERSHIP_REMEMBERED_SECONDS)

    assert member_of(user_id=people.alice.user.pk, customer_id="techcorp") is not remembered


def test_a_demotion_counts_although_the_token_says_otherwise(people: Cast, alice: Api) -> None:
    Membership.objects.filter(user=people.alice.user).update(role=Role.VIEWER)

    assert alice.post("tasks", {"message": "Write."}).status_code == 403


def test_an_api_key_opens_the_door_until_it_is_revoked_or_expires(people: Cast) -> None:
    key = people.alice.api_key
    assert Api().get("tasks", X_API_Key=key).status_code == 200

    ApiKey.objects.update(revoked_at=timezone.now())
    refused = Api().get("tasks", X_API_Key=key)
    ApiKey.objects.update(revoked_at=None, expires_at=timezone.now())

    assert refused.status_code == 401
    assert refused.json()["detail"] == "The API key is not valid."
    assert Api().get("tasks", X_API_Key=key).status_code == 401


def test_an_api_key_of_a_person_who_left_is_refused(people: Cast) -> None:
    key = people.bob.api_key
    Membership.objects.filter(user=people.bob.user).delete()

    assert Api().get("tasks", X_API_Key=key).status_code == 401


def test_another_customer_named_in_a_header_is_refused_and_the_own_one_is_not(people: Cast, alice: Api) -> None:
    key = api_key_create(user_id=people.zoe.user.pk, customer_id="acmecorp", name="zoe's program", now=timezone.now())

    refused = alice.get("tasks", X_Customer_ID="acmecorp", X_Request_ID="one")
    absent = alice.get("tasks/0199a1b2-0000-7000-8000-000000000001", X_Request_ID="one")
    assert (refused.status_code, refused.content) == (404, absent.content)
    assert alice.get("tasks", X_Customer_ID="techcorp").status_code == 200
    assert Api().get("tasks", X_API_Key=key, X_Customer_ID="techcorp").status_code == 404


def test_other_schemes_are_not_authenticated(people: Cast) -> None:
    response = Api().get("tasks", Authorization="Basic YWxpY2U6eA==")

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="a2a"'
    assert "X-API-Key" in response.json()["detail"]
