"""What only a real server shows: bodies that come in pieces, requests at once, static files, the start and the end."""

import asyncio
import http.client
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings

from a2a_project.asgi import lifespan
from delegation.models import Agent, Task
from tests.agents import AgentServer
from tests.people import Cast, team
from tests.web import WebServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def headers(web: WebServer, people: Cast) -> dict[str, str]:
    return {"Authorization": f"Bearer {people.alice.token}", "Content-Type": "application/json"}


@pytest.fixture
def agents(people: Cast, agent_server: AgentServer) -> dict[str, Agent]:
    return team(agent_server)


def call(web: WebServer, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=20)
    connection.request(method, path, body=body, headers=headers or {}, encode_chunked=isinstance(body, Iterator))
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


def test_a_task_goes_in_and_out(web: WebServer, headers: dict[str, str], agents: dict[str, Agent]) -> None:
    response, content = call(web, "POST", "/api/v1/tasks", b'{"message": "Write."}', headers)
    made = json.loads(content)
    _, read = call(web, "GET", f"/api/v1/tasks/{made['task_id']}", headers=headers)

    assert response.status == 201
    assert response.headers["X-Request-ID"]
    assert json.loads(read)["message"] == "Write."


def test_a_body_in_chunks_is_read(web: WebServer, headers: dict[str, str], agents: dict[str, Agent]) -> None:
    pieces = iter([b'{"mess', b'age": "In pie', b'ces."}'])

    response, content = call(web, "POST", "/api/v1/tasks", pieces, {**headers, "Transfer-Encoding": "chunked"})

    assert response.status == 201, content
    assert json.loads(content)["message"] == "In pieces."


def test_ten_megabytes_are_refused_by_their_announcement(web: WebServer, headers: dict[str, str]) -> None:
    response, content = call(web, "POST", "/api/v1/tasks", b" " * (10 * 1024 * 1024), headers)

    assert response.status == 413
    assert response.headers["Content-Type"] == "application/problem+json"
    assert json.loads(content)["error"] == "PAYLOAD_TOO_LARGE"
    assert json.loads(content)["request_id"] == response.headers["X-Request-ID"]


def test_a_body_that_is_only_announced_is_refused_before_it_comes(web: WebServer) -> None:
    with socket.create_connection(("127.0.0.1", web.port), timeout=5) as raw:
        raw.sendall(b"POST /api/v1/tasks HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 999999999999\r\n\r\n")

        assert raw.recv(100).startswith(b"HTTP/1.1 413")


def test_chunks_without_end_are_cut_off(web: WebServer, headers: dict[str, str]) -> None:
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    pieces = (b" " * 65536 for _ in range(2 * limit // 65536))

    response, content = call(web, "POST", "/api/v1/tasks", pieces, {**headers, "Transfer-Encoding": "chunked"})

    assert response.status == 413
    assert json.loads(content)["error"] == "PAYLOAD_TOO_LARGE"
    assert call(web, "GET", "/livez")[0].status == 200


def test_requests_at_once_are_all_answered(web: WebServer, headers: dict[str, str], agents: dict[str, Agent]) -> None:
    def post(number: int) -> int:
        response, _ = call(web, "POST", "/api/v1/tasks", json.dumps({"message": f"Task {number}"}), headers)
        return int(response.status)

    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(post, range(64))) == {201}
    assert Task.objects.count() == 64


def test_static_files_are_served(web: WebServer) -> None:
    response, content = call(web, "GET", "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui.css")

    assert response.status == 200
    assert len(content) == int(response.headers["Content-Length"]) > 100_000


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1/%ff", "/api/v1/tasks%00", "/api/v1//tasks"])
def test_strange_addresses_are_not_found(web: WebServer, path: str) -> None:
    response, content = call(web, "GET", path)

    assert response.status == 404
    assert json.loads(content)["error"] == "NOT_FOUND"


def test_a_client_that_hangs_up_in_the_middle_harms_nobody(web: WebServer) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", web.port), timeout=5) as raw:
            raw.sendall(b"POST /api/v1/tasks HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n{")

    assert call(web, "GET", "/livez")[0].status == 200


def test_start_and_end_of_the_server_are_confirmed() -> None:
    sent: list[Any] = []
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    asyncio.run(lifespan({"type": "lifespan"}, receive, send))

    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
