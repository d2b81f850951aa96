"""Requests of a person and of an address are limited; the refusal is problem+json or a page."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import caches
from django.test import Client

from security.counting_cache import BlockCountingCache, CountingCache
from tests.people import Cast
from tests.security.limits.conftest import REDIS_URL, needs_redis


def statuses(client: Client, path: str, times: int, **more: Any) -> list[int]:
    return [client.get(path, **more).status_code for _ in range(times)]


def test_an_address_may_ask_so_often(db: None, settings: Any) -> None:
    settings.A2A_HTTP_ADDRESS_REQUESTS_PER_MINUTE = 3
    client = Client()

    # A minute may end in between; then there are as many again.
    assert 429 in statuses(client, "/api/v1/tasks", 7, REMOTE_ADDR="203.0.113.9")
    refused = client.get("/api/v1/tasks", REMOTE_ADDR="203.0.113.9")
    page = client.get("/tasks/", REMOTE_ADDR="203.0.113.9")

    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json()["error"] == "RATE_LIMIT_EXCEEDED"
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    assert refused.headers["RateLimit-Policy"] == '"address";q=3;w=60'
    assert page.status_code == 429
    assert "Too many requests" in page.text
    assert client.get("/api/v1/tasks", REMOTE_ADDR="203.0.113.10").status_code == 401
    assert statuses(client, "/livez", 9, REMOTE_ADDR="203.0.113.9") == [200] * 9


@pytest.mark.parametrize("credential", ["token", "key", "session"])
def test_a_person_may_ask_so_often_from_wherever(people: Cast, settings: Any, credential: str) -> None:
    settings.A2A_HTTP_REQUESTS_PER_MINUTE = 3
    client, path = Client(), "/api/v1/tasks"
    if credential == "session":
        client.force_login(people.alice.user)
        path = "/tasks/"
    headers = {
        "token": {"Authorization": f"Bearer {people.alice.token}"},
        "key": {"X-API-Key": people.alice.api_key},
        "session": {},
    }[credential]

    asked = [client.get(path, headers=headers, REMOTE_ADDR=f"203.0.113.{n}").status_code for n in range(7)]

    assert 429 in asked
    others = Client().get("/api/v1/tasks", headers={"X-API-Key": people.zoe.api_key})
    assert others.status_code == 200


def test_zero_is_no_limit(db: None, settings: Any) -> None:
    settings.A2A_HTTP_ADDRESS_REQUESTS_PER_MINUTE = 0

    assert statuses(Client(), "/api/v1/tasks", 20) == [401] * 20


@pytest.mark.services
class TestOnRedis:
    pytestmark = needs_redis

    def test_a_count_is_the_number_of_adds_and_ends(self) -> None:
        cache = CountingCache(REDIS_URL, {"KEY_PREFIX": "a2a-counts"})
        cache.delete("visits")

        assert [1 if cache.add("visits", 1, 60) else cache.incr("visits") for _ in range(4)] == [1, 2, 3, 4]
        assert cache.get("visits") == 4
        assert 0 < cache._cache.get_client().ttl(cache.make_key("visits")) <= 60
        cache.delete("visits")
        assert cache.add("visits", 1, 60)

    def test_the_settings_name_it(self) -> None:
        assert isinstance(caches["counts"], CountingCache)

    def test_requests_are_counted_in_blocks_and_each_number_is_given_once(self) -> None:
        key = f"requests-{uuid4()}"

        def numbers(times: int) -> list[int]:
            cache = caches["requests"]
            return [1 if cache.add(key, 1, 60) else cache.incr(key) for _ in range(times)]

        with ThreadPoolExecutor(4) as threads:
            given = sorted(number for each in threads.map(numbers, [500] * 4) for number in each)

        assert isinstance(caches["requests"], BlockCountingCache)
        # Four that draw at once may each leave a block of at most 2000 / 64 behind.
        assert len(set(given)) == 2000
        assert given[:128] == list(range(1, 129))
        assert 2000 <= given[-1] <= caches["requests"].get(key) <= 2000 + 4 * 31
        caches["requests"].delete(key)

    def test_what_another_process_draws_is_not_given_here(self) -> None:
        key = f"requests-{uuid4()}"
        here, elsewhere = caches["requests"], CountingCache(REDIS_URL, {"KEY_PREFIX": "a2a-counts"})

        given = [1 if here.add(key, 1, 60) else here.incr(key) for _ in range(200)]
        theirs = 1 if elsewhere.add(key, 1, 60) else elsewhere.incr(key)

        assert theirs > max(given)
        rest = [1 if here.add(key, 1, 60) else here.incr(key) for _ in range(200)]
        assert theirs not in rest
        here.delete(key)
