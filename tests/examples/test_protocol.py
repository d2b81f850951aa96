"""The demo agents as A2A 1.0 servers: cards, addresses, errors, late answers, push notifications, the command."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import IO

import httpx
import pytest

from examples import minimal_agent
from examples.agent import EXTENSION_URI
from examples.team import TEAMS, roster
from tests.examples.a2a_client import A2AClient, Json, served

ROOT = Path(__file__).parents[2]
EVERYONE = [(customer, employee.agent_type) for customer, team in TEAMS.items() for employee in team]
LATE = "researcher"
QUESTION = "Research the costs.\n\n> Costs fell.\n> Ships are slow."


@pytest.mark.parametrize(("customer", "agent_type"), EVERYONE)
def test_every_agent_has_a_card_that_leads_to_it(teams: dict[str, A2AClient], customer: str, agent_type: str) -> None:
    client = teams[customer]
    card = client.http.get(f"{client.url}/{agent_type}/.well-known/agent-card.json").json()
    entry = next(entry for entry in roster(customer) if entry["agent_type"] == agent_type)

    assert card["name"] == entry["name"]
    assert [skill["id"] for skill in card["skills"]] == entry["skills"]
    assert card["capabilities"]["extensions"][0]["uri"] == EXTENSION_URI
    (interface,) = card["supportedInterfaces"]
    assert interface == {
        "url": f"{client.url}{entry['path']}",
        "protocolBinding": "JSONRPC",
        "protocolVersion": "1.0",
    }


@pytest.mark.parametrize(("customer", "agent_type"), EVERYONE)
def test_every_agent_answers_plain_text_to_a_client_that_knows_no_delegation(
    teams: dict[str, A2AClient], customer: str, agent_type: str
) -> None:
    result = teams[customer].send(agent_type, "What do you make of 'The lamp is bright'?")["result"]
    parts = result["message"]["parts"] if "message" in result else None
    if parts is None:
        parts = teams[customer].finished(agent_type, result["task"]["id"])["artifacts"][0]["parts"]
    assert [part["text"] for part in parts]
    assert not any("data" in part for part in parts)


@pytest.mark.parametrize("path", ["/copywriter", "/copywriter/"])
def test_an_agent_is_reached_with_and_without_the_trailing_slash(techcorp: A2AClient, path: str) -> None:
    message = {"messageId": "1", "role": "ROLE_USER", "parts": [{"text": "Write about ink.\n\n- Ink is blue"}]}
    answer = techcorp.rpc(path, "SendMessage", {"message": message})
    assert "Ink is blue" in answer["result"]["message"]["parts"][0]["text"]


def test_an_unknown_agent_is_not_found(techcorp: A2AClient) -> None:
    assert techcorp.http.post(f"{techcorp.url}/nobody/", json={}).status_code == 404


@pytest.mark.parametrize(
    "context",
    [
        "text",
        {"path": "copywriter"},
        {"candidates": [1]},
        {"candidates": [{"type": "x", "skills": "y"}]},
        {"inputs": {}},
        {"deadline": "soon"},
        {"delegation_depth": "two"},
        {"max_depth": True},
    ],
)
def test_a_malformed_context_is_refused_as_invalid_parameters(techcorp: A2AClient, context: object) -> None:
    assert techcorp.send("editor", "Check this.", context=context)["error"]["code"] == -32602


def test_a_message_in_protocol_0_3_is_refused(techcorp: A2AClient) -> None:
    answer = techcorp.rpc("/editor/", "SendMessage", {"message": {}}, **{"A2A-Version": "0.3"})
    assert answer["error"]["code"] == -32009


def test_a_late_agent_answers_at_once_with_a_working_task_and_completes_it(acmecorp: A2AClient) -> None:
    began = time.monotonic()
    task = acmecorp.send(LATE, QUESTION, context={})["result"]["task"]
    assert time.monotonic() - began < 0.4
    assert task["status"]["state"] == "TASK_STATE_WORKING"
    assert acmecorp.get_task(LATE, task["id"])["status"]["state"] == "TASK_STATE_WORKING"

    finished = acmecorp.finished(LATE, task["id"])
    assert finished["status"]["state"] == "TASK_STATE_COMPLETED"
    assert finished["artifacts"][0]["parts"][0]["data"]["action"] == "handle"
    assert finished["artifacts"][0]["extensions"] == [EXTENSION_URI]


def test_a_repeated_message_finds_the_work_that_it_began(acmecorp: A2AClient) -> None:
    first = acmecorp.send(LATE, QUESTION, context={}, message_id="again")["result"]["task"]
    second = acmecorp.send(LATE, QUESTION, context={}, message_id="again")["result"]["task"]
    other = acmecorp.send(LATE, QUESTION, context={}, message_id="another")["result"]["task"]
    assert first["id"] == second["id"] != other["id"]


def test_late_work_can_be_canceled(acmecorp: A2AClient) -> None:
    task = acmecorp.send(LATE, QUESTION, context={})["result"]["task"]
    canceled = acmecorp.rpc(f"/{LATE}/", "CancelTask", {"id": task["id"]})["result"]
    assert canceled["status"]["state"] == "TASK_STATE_CANCELED"
    time.sleep(0.6)
    assert acmecorp.get_task(LATE, task["id"])["status"]["state"] == "TASK_STATE_CANCELED"


def test_a_late_answer_is_pushed_to_the_callback_with_its_token(
    acmecorp: A2AClient, callback: tuple[str, list[tuple[dict[str, str], Json]]]
) -> None:
    url, received = callback
    push = {"url": url, "token": "the-token", "authentication": {"scheme": "Bearer", "credentials": "signed"}}
    configuration = {"taskPushNotificationConfig": push, "returnImmediately": True}
    task = acmecorp.send(LATE, QUESTION, context={}, configuration=configuration)["result"]["task"]
    acmecorp.finished(LATE, task["id"])

    deadline = time.monotonic() + 5
    while "TASK_STATE_COMPLETED" not in json.dumps(received) and time.monotonic() < deadline:
        time.sleep(0.02)
    headers, event = received[-1]
    assert event["statusUpdate"]["taskId"] == task["id"]
    assert event["statusUpdate"]["status"]["state"] == "TASK_STATE_COMPLETED"
    assert headers["x-a2a-notification-token"] == "the-token"
    assert headers["authorization"] == "Bearer signed"


def test_the_minimal_agent_of_the_readme_works(teams: dict[str, A2AClient]) -> None:
    with served(minimal_agent.application) as url, httpx.Client() as http:
        assert http.get(f"{url}/.well-known/agent-card.json").json()["name"] == "Word counter"
        message = {"messageId": "1", "role": "ROLE_USER", "parts": [{"text": "three little words"}]}
        body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": message}}
        answer = http.post(f"{url}/", json=body, headers={"A2A-Version": "1.0"}).json()
        assert answer["result"]["message"]["parts"][0]["text"] == "3 words"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_says_where_it_serves_and_ends_cleanly_on_a_signal(number: signal.Signals) -> None:
    process = start_team("acmecorp")
    try:
        announced = json.loads(opened(process.stdout).readline())
        assert announced["customer"] == "acmecorp"
        assert announced["agents"] == [entry["agent_type"] for entry in roster("acmecorp")]
        card = httpx.get(f"{announced['url']}/reviewer/.well-known/agent-card.json").json()
        assert card["supportedInterfaces"][0]["url"] == f"{announced['url']}/reviewer/"
        process.send_signal(number)
        assert (process.wait(timeout=10), opened(process.stderr).read()) == (0, "")
    finally:
        stop(process)


def test_the_command_ends_with_its_standard_input_when_told_to() -> None:
    process = start_team("techcorp", "--stop-with-stdin")
    try:
        opened(process.stdout).readline()
        opened(process.stdin).close()
        assert process.wait(timeout=10) == 0
    finally:
        stop(process)


def test_the_command_says_in_a_line_that_the_port_is_taken(techcorp: A2AClient) -> None:
    port = techcorp.url.rpartition(":")[2]
    process = start_team("techcorp", "--port", port)
    try:
        assert process.wait(timeout=20) == 1
        assert opened(process.stderr).read() == f"Cannot serve on 127.0.0.1:{port}: Address already in use.\n"
    finally:
        stop(process)


def start_team(customer: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "examples.team", "--customer", customer, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def opened(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.kill()
        process.wait()
    for stream in filter(None, (process.stdin, process.stdout, process.stderr)):
        stream.close()


@pytest.fixture
def callback() -> Iterator[tuple[str, list[tuple[dict[str, str], Json]]]]:
    """Listen on loopback as a platform would; give the address and the list of (headers, event) received."""
    received: list[tuple[dict[str, str], Json]] = []

    class Callback(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append(({name.lower(): value for name, value in self.headers.items()}, json.loads(body)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Keep the output of the tests clean."""

    with HTTPServer(("127.0.0.1", 0), Callback) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/callbacks/1", received
        server.shutdown()
        thread.join()
