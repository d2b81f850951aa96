"""Refresh tokens are good once; whoever shows one twice ends the login for all who hold a token of it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from audit.models import AuthorizationLog
from security.credentials import forget_members
from security.models import Login, Membership, PlatformAuditor, Role
from tests.delegation.api.conftest import Api
from tests.people import PASSWORD, Cast


def log_in(username: str = "alice", **more: str) -> Any:
    return Api().post("auth/token", {"username": username, "password": PASSWORD, **more}).json()


def refreshed(pair: Any) -> Any:
    return Api().post("auth/refresh", {"refresh": pair["refresh"]})


def reads(pair: Any) -> int:
    forget_members()
    return int(Api().get("tasks", Authorization=f"Bearer {pair['access']}").status_code)


def test_a_used_refresh_token_ends_the_login_for_thief_and_owner_alike(people: Cast) -> None:
    stolen = log_in()
    elsewhere = log_in()
    owners = refreshed(stolen).json()

    thiefs = refreshed(stolen)

    assert thiefs.status_code == 401
    assert refreshed(owners).status_code == 401
    assert [reads(stolen), reads(owners)] == [401, 401]
    assert reads(elsewhere) == 200, "another login of the same person goes on"
    row = AuthorizationLog.objects.get(authorized=False)
    assert (row.customer_id, row.action) == ("techcorp", "access_context")
    assert "used twice" in row.denied_reason


def test_an_earlier_token_of_the_chain_ends_it_too(people: Cast) -> None:
    first = log_in()
    third = refreshed(refreshed(first).json()).json()

    assert refreshed(first).status_code == 401
    assert refreshed(third).status_code == 401


def test_one_login_is_one_row_however_often_it_is_refreshed(people: Cast) -> None:
    pair = log_in()
    for _ in range(3):
        pair = refreshed(pair).json()

    assert Login.objects.count() == 1
    assert pair["refresh"] not in str(Login.objects.values().get())


@pytest.mark.django_db(transaction=True)
def test_of_many_who_refresh_at_once_at_most_one_is_served_and_nobody_keeps_the_login(people: Cast) -> None:
    pair = log_in()

    def refresh(_: int) -> Any:
        try:
            return refreshed(pair)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(refresh, range(4)))

    served = [answer for answer in answers if answer.status_code == 200]
    assert len(served) <= 1
    assert all(refreshed(answer.json()).status_code == 401 for answer in served)
    assert connection.vendor in {"sqlite", "postgresql"}
    assert Login.objects.get().ended_at is not None


def test_logging_out_ends_access_and_refresh(people: Cast) -> None:
    pair = log_in()

    answers = [
        Api().post("auth/logout", {"refresh": token}) for token in (pair["refresh"], pair["refresh"], "nonsense")
    ]

    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, {"logged_out": True})] * 3
    assert reads(pair) == 401
    assert refreshed(pair).status_code == 401


def test_a_new_password_ends_all_logins(people: Cast) -> None:
    pair = log_in()
    people.alice.user.set_password("another-password-altogether")
    people.alice.user.save()

    assert reads(pair) == 401
    assert refreshed(pair).status_code == 401


def test_expired_logins_are_forgotten_by_and_by(people: Cast) -> None:
    log_in()
    Login.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    log_in()

    assert Login.objects.count() == 1


def test_who_belongs_to_several_customers_must_say_which(people: Cast) -> None:
    Membership.objects.create(user=people.alice.user, customer_id="acmecorp", role=Role.VIEWER)

    unsaid = Api().post("auth/token", {"username": "alice", "password": PASSWORD})

    assert unsaid.status_code == 400
    assert "customer: you belong to several, name one of acmecorp, techcorp." in unsaid.json()["detail"]
    assert log_in(customer="acmecorp")["role"] == "viewer"
    wrong = Api().post("auth/token", {"username": "alice", "password": "wrong"})
    assert wrong.status_code == 401, "who does not know the password learns of no customer"


def test_a_token_of_one_customer_is_not_refreshed_for_another(people: Cast) -> None:
    Membership.objects.create(user=people.alice.user, customer_id="acmecorp", role=Role.OWNER)
    pair = log_in(customer="techcorp")

    refused = Api().post("auth/refresh", {"refresh": pair["refresh"], "customer": "acmecorp"})

    assert refused.json()["customer_id"] == "techcorp"


def test_a_platform_auditor_reads_at_every_customer_and_changes_nothing(people: Cast) -> None:
    PlatformAuditor.objects.create(user=people.carol.user, reason="The yearly audit.")

    pair = log_in("carol", customer="acmecorp")

    assert pair["role"] == "auditor"
    assert reads(pair) == 200
    authorized = {"Authorization": f"Bearer {pair['access']}"}
    assert Api().post("tasks", {"message": "Write."}, **authorized).status_code == 403
    assert Api().post("auth/token", {"username": "carol", "password": PASSWORD, "customer": "x"}).status_code == 401
    PlatformAuditor.objects.all().delete()
    assert reads(pair) == 401
