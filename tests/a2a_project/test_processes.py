"""Web and worker processes apart, over the servers of the environment: as in production."""

import json
import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.conf import settings

from tests.a2a_project.test_up import SERVING, address_in, answer
from tests.agents import AgentServer, Slow, handle
from tests.processes import MANAGE, eventually, read_until, run, running

OWNER = ("create_customer", "techcorp", "--name", "TechCorp", "--owner", "alice", "--password", "a-long-word")
pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(settings.EMBEDDED, reason="the embedded installation has one process"),
]


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Give an installation of its own: a fresh database on the server, the broker and Redis of the environment."""
    database = f"a2a_processes_{secrets.token_hex(4)}"
    parts = urlsplit(os.environ["DATABASE_URL"])
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{database}"')
        environ = os.environ | {
            "DATABASE_URL": urlunsplit(parts._replace(path=f"/{database}")),
            "A2A_VAR_DIR": str(tmp_path),
            "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics"),
            "PYTHONUNBUFFERED": "1",
        }
        assert run(MANAGE, "migrate", "-v0", environ=environ).returncode == 0
        yield environ
        server.execute(f'DROP DATABASE "{database}" WITH (FORCE)')


def stop(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(40)


def test_a_task_travels_from_the_web_processes_to_the_workers(environ: dict[str, str]) -> None:
    workers = (MANAGE, "rundramatiq", "--processes", "2")
    with (
        AgentServer() as agents,
        running(MANAGE, "web", "--port", "0", "--processes", "2", environ=environ) as web,
        running(*workers, environ=environ) as worker,
        running(MANAGE, "sweep", environ=environ) as sweep,
    ):
        agents.script("copywriter", [Slow(0.2, handle("A slogan."))])
        address = address_in(read_until(web, SERVING))
        key = json.loads(run(MANAGE, *OWNER, environ=environ).stdout)["api_key"]
        agent = {"agent_type": "copywriter", "name": "Wren", "endpoint_url": agents.url("copywriter"), "skills": []}
        eventually(lambda: answer(f"{address}/livez"))
        answer(f"{address}/api/v1/agents", key=key, body=agent | {"seniority": "senior"})
        submitted = [answer(f"{address}/api/v1/tasks", key=key, body={"message": f"Slogan {n}."}) for n in range(6)]
        addresses = [f"{address}/api/v1/tasks/{task['task_id']}" for task in submitted]

        assert eventually(lambda: all(answer(one, key=key)["status"] == "completed" for one in addresses))
        assert {answer(one, key=key)["result"] for one in addresses} == {"A slogan."}
        assert [stop(process) for process in (worker, sweep, web)] == [0, 0, 0]


def test_tasks_of_a_killed_worker_are_finished_by_the_next(environ: dict[str, str]) -> None:
    workers = (MANAGE, "rundramatiq", "--processes", "1")
    with AgentServer() as agents, running(MANAGE, "web", "--port", "0", environ=environ) as web:
        agents.script("copywriter", [Slow(3, handle("Too late.")), handle("A slogan.")])
        address = address_in(read_until(web, SERVING))
        key = json.loads(run(MANAGE, *OWNER, environ=environ).stdout)["api_key"]
        agent = {"agent_type": "copywriter", "name": "Wren", "endpoint_url": agents.url("copywriter"), "skills": []}
        answer(f"{address}/api/v1/agents", key=key, body=agent | {"seniority": "senior"})
        with running(*workers, environ=environ | {"A2A_PROBE": "first"}) as worker:
            task = answer(f"{address}/api/v1/tasks", key=key, body={"message": "A slogan."})
            assert eventually(lambda: agents.calls("copywriter"))
            kill_with_children(worker.pid)
        with running(*workers, environ=environ) as worker:
            one = f"{address}/api/v1/tasks/{task['task_id']}"
            assert eventually(lambda: answer(one, key=key)["status"] == "completed")
            assert answer(one, key=key)["result"] == "A slogan."
            assert len({call.message_id for call in agents.calls("copywriter")}) == 1
            assert stop(worker) == 0


def kill_with_children(pid: int) -> None:
    """Kill the process and all beneath it, as a machine's end does."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        if stat.read_text().rpartition(")")[2].split()[1] == str(pid):
            kill_with_children(int(stat.parent.name))
    os.kill(pid, signal.SIGKILL)
