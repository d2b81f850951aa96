"""`manage.py up` as a newcomer meets it."""

import json
import signal
import socket
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.agents import AgentServer
from tests.processes import MANAGE, embedded_environment, eventually, read_until, run, running

SERVING = "Serving on "
pytestmark = pytest.mark.embedded


def address_in(line: str) -> str:
    return line.removeprefix(SERVING).split()[0].rstrip("/")


def answer(url: str, *, key: str = "", body: object = None) -> Any:
    request = urllib.request.Request(url, data=None if body is None else json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    request.add_header("X-API-Key", key)
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def test_it_carries_a_task_through_in_one_process(tmp_path: Path) -> None:
    environ = embedded_environment(tmp_path, A2A_ALLOWED_AGENT_HOSTS="127.0.0.1")
    with AgentServer() as agents, running(MANAGE, "up", "--port", "0", environ=environ) as up:
        address = address_in(read_until(up, SERVING))
        owner = ["create_customer", "techcorp", "--name", "TechCorp", "--owner", "alice", "--password", "a-long-word"]
        key = json.loads(run(MANAGE, *owner, environ=environ).stdout)["api_key"]
        agent = {"agent_type": "copywriter", "name": "Wren", "endpoint_url": agents.url("copywriter"), "skills": []}
        answer(f"{address}/api/v1/agents", key=key, body=agent | {"seniority": "senior"})
        task = answer(f"{address}/api/v1/tasks", key=key, body={"message": "A slogan, please."})

        ended = eventually(
            lambda: (seen := answer(f"{address}/api/v1/tasks/{task['task_id']}", key=key))["completed_at"] and seen
        )
        assert ended
        assert (ended["status"], ended["result"]) == ("completed", "copywriter: A slogan, please.")
        assert answer(f"{address}/readyz")["status"] == "ready"

        watched = run(MANAGE, "watch_task", str(task["task_id"]), environ=environ)
        assert watched.returncode == 0
        assert "copywriter decided · handle · 90% sure" in watched.stdout
        assert "task completed" in watched.stdout
        submitted = run(MANAGE, "submit_task", "techcorp", "Another one.", "--watch", environ=environ)
        assert submitted.returncode == 0, submitted.stderr
        assert "task completed" in submitted.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_in_order_when_it_is_asked_to(tmp_path: Path, number: int) -> None:
    with running(MANAGE, "up", "--port", "0", environ=embedded_environment(tmp_path)) as up:
        read_until(up, SERVING)
        up.send_signal(number)
        assert up.wait(30) == 0
        assert up.stdout is not None
        assert up.stdout.read().splitlines()[-1] == "Stopped."


def test_it_ends_with_its_standard_input_where_told_so(tmp_path: Path) -> None:
    environ = embedded_environment(tmp_path)
    with running(MANAGE, "up", "--port", "0", "--stop-with-stdin", environ=environ) as up:
        read_until(up, SERVING)
        assert up.stdin is not None
        up.stdin.close()
        assert up.wait(30) == 0


def test_a_second_one_on_the_same_database_says_so_in_a_line(tmp_path: Path) -> None:
    environ = embedded_environment(tmp_path)
    with running(MANAGE, "up", "--port", "0", environ=environ) as up:
        address = address_in(read_until(up, SERVING))
        second = run(MANAGE, "up", "--port", "0", environ=environ)
        assert second.returncode == 1
        assert second.stderr == f"CommandError: process {up.pid} already runs on this database; end it first\n"
        sweep = run(MANAGE, "sweep", environ=environ)
        assert sweep.returncode == 1
        assert sweep.stderr.startswith(f"CommandError: process {up.pid} runs on this database")
        assert answer(f"{address}/livez") == {"status": "ok"}


@pytest.mark.parametrize("command", ["up", "web"])
def test_a_taken_port_is_named_in_a_line(tmp_path: Path, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = run(MANAGE, command, "--port", str(port), environ=embedded_environment(tmp_path))
    assert refused.returncode == 1
    text = f"cannot listen on 127.0.0.1:{port} (Address already in use); choose another --port"
    assert refused.stderr == f"CommandError: {text}\n"


@pytest.mark.parametrize("port", ["65536", "-1"])
def test_what_is_no_port_is_refused_in_a_line(tmp_path: Path, port: str) -> None:
    refused = run(MANAGE, "up", f"--port={port}", environ=embedded_environment(tmp_path))
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert f"{port} is no port" in refused.stderr


def test_workers_without_a_broker_are_refused_in_a_line(tmp_path: Path) -> None:
    refused = run(MANAGE, "rundramatiq", environ=embedded_environment(tmp_path))
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "BROKER_URL" in refused.stderr


def test_a_database_that_cannot_be_reached_is_named_in_a_line(tmp_path: Path) -> None:
    nowhere = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing", "SECRET_KEY": "x" * 40}
    refused = run(MANAGE, "up", "--port", "0", environ=embedded_environment(tmp_path, **nowhere))
    assert refused.returncode == 1
    assert "CommandError: the database cannot be used: " in refused.stderr
