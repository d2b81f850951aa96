"""What all tests share: cheap passwords, a database that threads can share, the cast, the scripted agents."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.contrib import admin
from django.core.cache import cache, caches
from django.db import connections

from delegation.services.backlog import forget_backlog
from security.credentials import forget_members
from security.leak_index import leak_index
from security.limiting import forget_counts, forget_terms
from security.rows import be_owner
from security.switches import forget_switches
from security.testimony import forget_admissions
from tests.agents import AgentServer
from tests.environment import VAR_DIR
from tests.people import Cast, cast
from tests.web import WebServer

# Tests lay out and look at everybody's rows, in this thread. What the product does of itself, at its doors and in its
# own threads and processes, says whose rows it is about, or has none.
be_owner()
# As the pages load the screens, in the order of the apps: tests load some by themselves.
admin.autodiscover()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """Keep SQLite's test database in a file: one in memory locks whole tables among a server's threads."""
    database: Any = connections["default"]
    if database.vendor == "sqlite":
        name = database.settings_dict["TEST"].get("NAME") or "test.sqlite3"
        database.settings_dict["TEST"]["NAME"] = str(VAR_DIR / name.replace(":", "_"))


@pytest.fixture(autouse=True)
def _fresh_process(settings: Any) -> Iterator[None]:
    """Begin as a new process would: nothing remembered. Passwords are hashed cheaply, there are so many of them."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Static files are looked up when asked for: each test's client would gather all of them anew.
    settings.WHITENOISE_AUTOREFRESH = True
    forget_members()
    forget_backlog()
    forget_admissions()
    leak_index.forget()
    _forget_limits(settings.REDIS_URL)
    if "locmem" in settings.CACHES["default"]["BACKEND"]:
        # A shared server's cache holds what is not ours.
        cache.clear()
        caches["counts"].clear()
    yield
    forget_members()


def _forget_limits(redis_url: str) -> None:
    forget_counts()
    forget_terms()
    forget_switches()
    if redis_url:
        with redis.Redis.from_url(redis_url) as server:
            for pattern in ("a2a:limit:*", "a2a:budget:*", "a2a-counts:*"):
                for key in server.scan_iter(pattern):
                    server.delete(key)


@pytest.fixture
def people(db: None) -> Cast:
    """TechCorp with Alice, Bob and Carol, AcmeCorp with Zoe."""
    return cast()


@pytest.fixture
def agent_server() -> Iterator[AgentServer]:
    """Give the scripted agents' server, on a port of its own."""
    with AgentServer() as server:
        yield server


@pytest.fixture
def web(transactional_db: None) -> Iterator[WebServer]:
    """Give the web server, on a port of its own; what it does is really committed."""
    with WebServer() as server:
        yield server
