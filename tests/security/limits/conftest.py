"""Each test runs on every store there is, with customers that no other test has."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import redis

from security.limits import MemoryStore, RedisStore, Store

REDIS_URL = os.environ.get("REDIS_URL", "")
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

needs_redis = [pytest.mark.services, pytest.mark.skipif(not REDIS_URL, reason="REDIS_URL names no server")]


@pytest.fixture
def customer() -> Iterator[str]:
    customer_id = f"acme-{uuid4().hex}"
    yield customer_id
    if REDIS_URL:
        with redis.Redis.from_url(REDIS_URL) as client:
            for key in client.scan_iter(f"a2a:*{{{customer_id}*"):
                client.delete(key)


@pytest.fixture
def redis_store() -> Iterator[RedisStore]:
    store = RedisStore(url=REDIS_URL)
    yield store
    store.close()


@pytest.fixture(params=["memory", pytest.param("redis", marks=needs_redis)])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        return MemoryStore()
    found: Store = request.getfixturevalue("redis_store")
    return found
