"""Websockets as clients hold them, and things that happen to the tasks they watch."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from delegation.models import Task, TaskEvent
from delegation.services.moving import moving
from delegation.services.tasks import task_submit
from security.rows import platform_rows
from tests.people import Person
from tests.web import WebServer


@platform_rows()
def happen(task: Task, *, times: int = 1) -> None:
    """Let something happen to the task, told as everything is."""
    for _ in range(times):
        with moving(task.pk, now=timezone.now()) as move:
            move.tell("task.working", number=move.task.last_seq + 1)


def happen_unannounced(task: Task, *, times: int = 1) -> None:
    """Let something happen without waking anyone, as when the wake-up is lost."""
    last = TaskEvent.objects.filter(task=task).count()
    TaskEvent.objects.bulk_create(
        TaskEvent(task=task, customer_id=task.customer_id, seq=seq, type="task.working", at=timezone.now())
        for seq in range(last + 1, last + times + 1)
    )
    Task.objects.filter(pk=task.pk).update(last_seq=last + times)


def offering(token: str) -> list[Subprotocol]:
    return [Subprotocol("a2a.jwt"), Subprotocol(token)]


@contextmanager
def watching(
    web: WebServer, path: str, person: Person | None = None, *, token: str | None = None, **more: Any
) -> Iterator[ClientConnection]:
    """Open the websocket with the person's token."""
    token = person.token if person else token
    subprotocols = None if token is None else offering(token)
    # With a full queue the client would stop reading, and then wait in vain for the answer to its goodbye.
    with connect(f"{web.websocket_url}{path}", subprotocols=subprotocols, max_queue=None, **more) as socket:
        yield socket


def received(socket: ClientConnection, count: int, *, timeout_seconds: float = 10) -> list[dict[str, Any]]:
    return [json.loads(socket.recv(timeout=timeout_seconds)) for _ in range(count)]


def seqs(events: list[dict[str, Any]]) -> list[int]:
    return [event["seq"] for event in events]


def close_code(socket: ClientConnection, *, timeout_seconds: float = 5) -> int:
    with pytest.raises(ConnectionClosed):
        socket.recv(timeout=timeout_seconds)
    assert socket.close_code is not None
    return int(socket.close_code)


def quiet(socket: ClientConnection, *, seconds: float) -> bool:
    try:
        socket.recv(timeout=seconds)
    except TimeoutError:
        return True
    return False


def submitted(person: Person) -> Task:
    return task_submit(principal=person.principal, message="Write.", now=timezone.now()).task


def session_of(person: Person, **more: str) -> str:
    client = Client()
    client.force_login(person.user)
    session = client.session
    session.update(more)
    session.save()
    return str(client.cookies["sessionid"].value)


def cancel_by_http(web: WebServer, person: Person, task: Task) -> None:
    request = urllib.request.Request(
        f"{web.url}/api/v1/tasks/{task.pk}/cancel", method="POST", headers={"Authorization": f"Bearer {person.token}"}
    )
    with urllib.request.urlopen(request) as response:
        assert response.status == 200
