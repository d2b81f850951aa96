"""`Prefer: wait=N`: the answer comes when there is something to tell, and a request that waits holds up nobody."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.utils import timezone

from delegation.api.preferences import LONGEST_WAIT_SECONDS
from delegation.live.waiting import waiting
from delegation.models import Agent, Task
from delegation.services.tasks import task_cancel, task_submit
from delegation.states import TaskStatus
from security.members import forget_members
from security.models import Membership
from tests.agents import AgentServer
from tests.people import Cast, team
from tests.web import WebServer

pytestmark = pytest.mark.django_db(transaction=True)

# More than the server has threads for HTTP.
MANY = 40


class Client:
    """Alice's, over real HTTP."""

    def __init__(self, web: WebServer, token: str) -> None:
        self._port = web.port
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: Any = None, *, prefer: str = "") -> tuple[Any, dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        headers = self._headers | ({"Prefer": prefer} if prefer else {})
        connection.request(method, f"/api/v1/{path}", body=body and json.dumps(body), headers=headers)
        response = connection.getresponse()
        content = json.loads(response.read())
        connection.close()
        return response, content


@pytest.fixture
def client(web: WebServer, people: Cast) -> Client:
    return Client(web, people.alice.token)


@pytest.fixture
def agents(people: Cast, agent_server: AgentServer) -> dict[str, Agent]:
    return team(agent_server)


@pytest.fixture
def task(people: Cast, agents: dict[str, Agent]) -> Task:
    return task_submit(principal=people.alice.principal, message="Write.", now=timezone.now()).task


@pytest.fixture
def aside() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(MANY) as threads:
        yield threads


def until(true: Callable[[], bool]) -> None:
    latest = time.monotonic() + 10
    while not true():
        assert time.monotonic() < latest
        time.sleep(0.005)


def cancel(people: Cast, task: Task) -> None:
    task_cancel(principal=people.alice.principal, task_id=task.pk, now=timezone.now())


def waiters() -> int:
    return sum(len(renders) for renders in list(waiting._renders.values()))


def waits(threads: ThreadPoolExecutor, client: Client, task: Task, *, prefer: str = "wait=30") -> Future[Any]:
    """Let a read wait in a thread of its own."""
    before = waiters()
    future = threads.submit(client.ask, "GET", f"tasks/{task.pk}", prefer=prefer)
    until(lambda: waiters() > before)
    return future


def test_a_submission_is_answered_when_the_task_has_ended(
    client: Client, people: Cast, agents: dict[str, Agent], aside: ThreadPoolExecutor
) -> None:
    submission = aside.submit(client.ask, "POST", "tasks", {"message": "Write."}, prefer="respond-async, wait=30")
    until(lambda: waiters() == 1)
    cancel(people, Task.objects.get())
    response, task = submission.result(timeout=10)

    assert response.status == 201
    assert response.headers["Preference-Applied"] == "wait=30"
    assert response.headers["Location"].endswith(task["task_id"])
    assert response.headers["RateLimit"]
    assert task["status"] == "canceled"
    assert task["completed_at"]


def test_many_wait_and_hold_up_nobody(client: Client, people: Cast, task: Task, aside: ThreadPoolExecutor) -> None:
    waiting_for_it = [aside.submit(client.ask, "GET", f"tasks/{task.pk}", prefer="wait=30") for _ in range(MANY)]
    until(lambda: waiters() == MANY)
    of_ours = [thread.name for thread in threading.enumerate() if thread.name.startswith("waiting")]
    _, meanwhile = client.ask("GET", f"tasks/{task.pk}")
    cancel(people, task)

    assert len(of_ours) == 1
    assert meanwhile["status"] == "submitted"
    assert {each.result(timeout=10)[1]["status"] for each in waiting_for_it} == {"canceled"}
    assert waiters() == 0


def test_who_waits_is_told_that_a_person_is_asked(client: Client, task: Task, aside: ThreadPoolExecutor) -> None:
    read = waits(aside, client, task)
    # Without a wake-up, as when its message is lost.
    Task.objects.filter(pk=task.pk).update(status=TaskStatus.INPUT_REQUIRED)

    assert read.result(timeout=10)[1]["status"] == "input_required"


def test_after_its_time_the_task_is_told_as_it_stands(client: Client, task: Task, aside: ThreadPoolExecutor) -> None:
    read = waits(aside, client, task, prefer="wait=1")
    Task.objects.filter(pk=task.pk).update(status=TaskStatus.WORKING)
    response, told = read.result(timeout=10)

    assert response.status == 200
    assert told["status"] == "working"
    assert int(response.headers["Content-Length"]) > 0


def test_nobody_waits_longer_than_is_offered(
    client: Client, people: Cast, task: Task, aside: ThreadPoolExecutor
) -> None:
    read = waits(aside, client, task, prefer="wait=99999")
    cancel(people, task)

    assert read.result(timeout=10)[0].headers["Preference-Applied"] == f"wait={LONGEST_WAIT_SECONDS}"


@pytest.mark.parametrize(
    "prefer", ["", "wait", "wait=soon", "wait=-1", "wait=0", "await=30", "wait=1.5", "return=minimal"]
)
def test_what_is_no_wait_is_answered_at_once(client: Client, task: Task, prefer: str) -> None:
    response, told = client.ask("GET", f"tasks/{task.pk}", prefer=prefer)

    assert told["status"] == "submitted"
    assert "Preference-Applied" not in response.headers


def test_a_task_that_is_not_started_is_nothing_to_wait_for(client: Client, agents: dict[str, Agent]) -> None:
    response, told = client.ask("POST", "tasks", {"message": "Later.", "start": False}, prefer="wait=30")

    assert (response.status, told["status"]) == (201, "submitted")


def test_a_task_that_has_ended_is_told_at_once(client: Client, people: Cast, task: Task) -> None:
    cancel(people, task)

    assert client.ask("GET", f"tasks/{task.pk}", prefer="wait=30")[1]["status"] == "canceled"


def test_another_customers_task_is_nothing_to_wait_for(web: WebServer, people: Cast, task: Task) -> None:
    response, _ = Client(web, people.zoe.token).ask("GET", f"tasks/{task.pk}", prefer="wait=30")

    assert response.status == 404


def test_who_is_dismissed_meanwhile_learns_nothing_new(
    client: Client, people: Cast, task: Task, aside: ThreadPoolExecutor
) -> None:
    read = waits(aside, client, task)
    Membership.objects.filter(user=people.alice.user).delete()
    forget_members()
    Task.objects.filter(pk=task.pk).update(status=TaskStatus.COMPLETED, result="secret", completed_at=timezone.now())
    told = read.result(timeout=10)[1]

    assert (told["status"], told["result"]) == ("submitted", None)


def test_a_server_that_ends_answers_those_who_wait(people: Cast, task: Task, aside: ThreadPoolExecutor) -> None:
    with WebServer() as server:
        read = waits(aside, Client(server, people.alice.token), task)
        ended_at = time.monotonic()

    assert read.result(timeout=10)[1]["status"] == "submitted"
    assert time.monotonic() - ended_at < 10
