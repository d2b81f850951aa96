"""The server that counts is killed: new tasks are refused politely, what runs goes on, and all is well afterwards."""

import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import redis
from django.test import Client

from a2a_project.delegating import DelegationThread
from delegation.models import Task
from security.limiting import forget_counts
from tests.agents import Hold, Working, delegate, handle
from tests.flows.conftest import Story
from tests.processes import eventually

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="there is no redis-server to kill"),
]


class Counters:
    """A Redis of the test's own, on a port of its own."""

    def __init__(self, folder: Path) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self.start()

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--dir", str(self._folder), "--save", ""]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        assert eventually(self._answers)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _answers(self) -> bool:
        with suppress(redis.RedisError), redis.Redis.from_url(self.url) as client:
            return bool(client.ping())
        return False


@pytest.fixture
def counters(tmp_path: Path, settings: Any) -> Iterator[Counters]:
    """Have the limits counted on a server that can be killed."""
    server = Counters(tmp_path)
    settings.REDIS_URL = server.url
    forget_counts()
    yield server
    server.kill()


@pytest.fixture
def worker(counters: Counters, worker: DelegationThread) -> DelegationThread:
    """Begin the worker when the counters' server is known."""
    return worker


@pytest.fixture
def submit(story: Story) -> Callable[[], Any]:
    client, key = Client(), story.people.alice.api_key
    return lambda: client.post("/api/v1/tasks", {"message": "Write"}, "application/json", headers={"X-API-Key": key})


def limiter_state() -> str:
    return str(Client().get("/readyz").json()["checks"]["limiter"])


def test_new_tasks_are_refused_politely_until_it_is_back(counters: Counters, submit: Callable[[], Any]) -> None:
    assert submit().status_code == 201
    counters.kill()

    refused = submit()

    assert (refused.status_code, refused.json()["error"]) == (503, "SERVICE_UNAVAILABLE")
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert int(refused.headers["Retry-After"]) >= 1
    assert str(counters.port) not in refused.text
    assert Task.objects.count() == 1
    assert limiter_state() == "failed: LimiterUnavailable"

    counters.start()
    assert eventually(lambda: submit().status_code == 201)
    assert limiter_state() == "ok"


def test_what_runs_goes_on_without_it(counters: Counters, story: Story, settings: Any) -> None:
    held = Hold(delegate("copywriter"))
    story.agents.script("marketing-manager", held)
    story.agents.script("copywriter", Working(after_seconds=0.3, outcome=delegate("seo-specialist")))
    story.agents.script("seo-specialist", handle("with keywords"))
    settings.A2A_LIMIT_AGENT_CALLS_PER_HOUR = 1
    task = story.submit()
    assert held.arrived.wait(10)

    counters.kill()
    held.release()

    assert story.ended(task).result == "with keywords"
    counted = [line for line in Client().get("/metrics").text.splitlines() if "a2a_uncounted_calls_total " in line]
    assert float(counted[-1].split()[-1]) >= 2
