"""Passwords are not guessed: accounts and addresses are locked, and the lock tells nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from security import http_limits
from security.limits.circuit import Circuit
from tests.people import PASSWORD, Cast
from tests.processes import eventually

# The test client sends what a browser or a program would; each door answers in its own way.
Login = Callable[..., Any]


def by_rest(username: str, password: str, address: str = "203.0.113.7") -> Any:
    sent = {"username": username, "password": password}
    return Client().post("/api/v1/auth/token", sent, "application/json", REMOTE_ADDR=address)


def by_page(username: str, password: str, address: str = "203.0.113.7") -> Any:
    return Client().post("/tasks/login/", {"username": username, "password": password}, REMOTE_ADDR=address)


def by_admin(username: str, password: str, address: str = "203.0.113.7") -> Any:
    return Client().post("/admin/login/", {"username": username, "password": password}, REMOTE_ADDR=address)


@pytest.fixture(autouse=True)
def three_failures(settings: Any) -> None:
    settings.A2A_LOGIN_FAILURES = 3
    settings.A2A_LOGIN_ADDRESS_FAILURES = 8


def told(response: Any) -> Any:
    return response.status_code, {name: each for name, each in response.json().items() if name != "request_id"}


@pytest.mark.parametrize("login", [by_rest, by_page, by_admin])
def test_an_account_is_locked_at_every_door_also_for_the_right_password(people: Cast, login: Login) -> None:
    for _ in range(3):
        assert login("alice", "wrong").status_code in (200, 401)

    assert [each("alice", PASSWORD).status_code for each in (by_rest, by_page, by_admin)] == [429] * 3
    locked = login("alice", PASSWORD)
    assert 890 < int(locked.headers["Retry-After"]) <= 900
    assert by_rest("bob", PASSWORD).status_code == 200


def test_a_page_says_so_in_words(people: Cast) -> None:
    for _ in range(3):
        by_page("alice", "wrong")

    page = by_page("alice", PASSWORD)

    assert page.status_code == 429
    assert "Too many failed logins" in page.text
    assert "text/html" in page.headers["Content-Type"]


def test_an_account_that_does_not_exist_looks_the_same(people: Cast) -> None:
    known = [told(by_rest("alice", "wrong", "203.0.113.1")) for _ in range(5)]
    unknown = [told(by_rest("nobody", "wrong", "203.0.113.2")) for _ in range(5)]

    assert known == unknown
    assert [status for status, _ in known] == [401, 401, 401, 429, 429]


def test_a_success_begins_anew(people: Cast) -> None:
    for _ in range(3):
        assert [by_rest("alice", "wrong").status_code for _ in range(2)] == [401, 401]
        assert by_rest("alice", PASSWORD).status_code == 200


def test_names_that_look_the_same_are_one_account(people: Cast) -> None:
    names = ["alice", "ALICE", "\uff21lice"]

    assert [by_rest(name, "wrong").status_code for name in names] == [401] * 3
    assert by_rest("alice", PASSWORD).status_code == 429


def test_an_address_that_tries_many_accounts_is_locked(people: Cast) -> None:
    tried = [by_rest(f"person-{n}", "wrong").status_code for n in range(10)]

    assert tried == [401] * 8 + [429] * 2
    assert by_rest("alice", PASSWORD).status_code == 429
    assert by_rest("alice", PASSWORD, "198.51.100.1").status_code == 200


def test_addresses_of_one_network_are_one(people: Cast) -> None:
    tried = [by_rest(f"person-{n}", "wrong", f"2001:db8::{n:x}").status_code for n in range(10)]

    assert tried[-1] == 429
    assert by_rest("alice", PASSWORD, "2001:db8:0:1::1").status_code == 200


def test_many_at_once_get_no_more_guesses(people: Cast, transactional_db: None) -> None:
    def guessed(number: int) -> int:
        status = by_rest("alice", f"wrong-{number}", f"198.51.100.{number}").status_code
        connection.close()
        return int(status)

    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(guessed, range(40)))

    assert answers.count(401) == 3
    assert answers.count(429) == 37


def test_a_lock_ends(people: Cast, settings: Any) -> None:
    settings.A2A_LOGIN_LOCK_SECONDS = 1
    for _ in range(3):
        by_rest("alice", "wrong")
    locked = by_rest("alice", PASSWORD)

    assert locked.headers["Retry-After"] == "1"
    assert eventually(lambda: by_rest("alice", PASSWORD).status_code == 200)


def test_attempts_of_an_address_are_limited_also_for_fresh_tokens(people: Cast, settings: Any) -> None:
    settings.A2A_LOGIN_ATTEMPTS_PER_MINUTE = 3

    def refresh() -> int:
        sent = {"refresh": "wrong"}
        return int(
            Client().post("/api/v1/auth/refresh", sent, "application/json", REMOTE_ADDR="203.0.113.7").status_code
        )

    # A minute may end in between; then there are as many again.
    assert 429 in [by_rest("alice", PASSWORD).status_code for _ in range(8)]
    assert 429 in [refresh() for _ in range(8)]


def test_without_the_counters_no_login_is_taken(people: Cast, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_limits, "circuit", Circuit())
    settings.CACHES = settings.CACHES | {
        "counts": {"BACKEND": "security.counting_cache.CountingCache", "LOCATION": "redis://127.0.0.1:1/0"}
    }

    answers = [by_rest("alice", PASSWORD) for _ in range(5)]

    assert {each.status_code for each in answers} == {503}
    assert int(answers[0].headers["Retry-After"]) >= 1
    assert by_page("alice", PASSWORD).status_code == 503
    # Whoever is in may go on.
    assert Client().get("/api/v1/tasks", headers={"X-API-Key": people.alice.api_key}).status_code == 200
