"""The peers behind their doors, two server processes each, asked by the same client as ours; and the floor of ingress.

A contender (see contest.py) that is itself only the client: `python -m benchmarks.served dbos`.
"""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import uvloop

from benchmarks.contenders import PEERS_PYTHON
from benchmarks.contest import Course, Order
from benchmarks.door_client import MESSAGE, Client, Door, Sighting, http_pool

TOKEN = "for-benchmarks-only"
_LONGEST_START_SECONDS = 30
_UVICORN = ("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What serves a door. The module makes its tables when it is run, and holds ``app``."""

    module: str
    python: str
    processes: int


SERVERS = {
    "dbos": Server(module="benchmarks.peers.dbos_door", python=PEERS_PYTHON, processes=2),
    "langgraph": Server(module="benchmarks.peers.langgraph_door", python=PEERS_PYTHON, processes=2),
    "a2a": Server(module="benchmarks.peers.a2a_door", python=PEERS_PYTHON, processes=2),
    "floor": Server(module="benchmarks.insert_view", python=sys.executable, processes=1),
}


def plain_door(address: str) -> Door:
    """Return how a door of our own making is asked."""

    def sighting(task: Mapping[str, Any]) -> Sighting:
        status = task["status"]
        return Sighting(
            task_id=task["task_id"], ended=status in {"completed", "failed"}, completed=status == "completed"
        )

    return Door(
        submit_url=f"{address}/tasks",
        tasks_url=f"{address}/tasks",
        headers=lambda _: {"authorization": f"Bearer {TOKEN}"},
        body=lambda order: {"message": MESSAGE, "delay_ms": order.delay_ms},
        sighting=sighting,
    )


def a2a_door(address: str) -> Door:
    """Return how an A2A server is asked: it answers when the task has ended.

    That is the protocol's default, and costs it less than an answer at once with reads until the end.
    """

    def body(order: Order) -> dict[str, object]:
        message = {
            "messageId": str(uuid4()),
            "role": "ROLE_USER",
            "parts": [{"text": MESSAGE}],
            "metadata": {"delay_ms": order.delay_ms},
        }
        return {"message": message}

    def sighting(answer: Mapping[str, Any]) -> Sighting:
        task = answer.get("task", answer)
        state = task["status"]["state"]
        return Sighting(
            task_id=task["id"],
            ended=state in {"TASK_STATE_COMPLETED", "TASK_STATE_FAILED"},
            completed=state == "TASK_STATE_COMPLETED",
        )

    return Door(
        submit_url=f"{address}/message:send",
        tasks_url=f"{address}/tasks",
        headers=lambda _: {"authorization": f"Bearer {TOKEN}", "a2a-version": "1.0"},
        body=body,
        sighting=sighting,
    )


@contextlib.contextmanager
def serving(server: Server) -> Iterator[str]:
    """Run the server until the end of the block; give its address. Raises TimeoutError where it does not start."""
    environment = os.environ | {"BENCH_TOKEN": TOKEN}
    subprocess.run([server.python, "-m", server.module], env=environment, check=True, stdout=sys.stderr)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [server.python, "-m", "uvicorn", f"{server.module}:app", "--port", str(port), *_UVICORN]
    process = subprocess.Popen([*command, "--workers", str(server.processes)], env=environment, stdout=sys.stderr)
    try:
        _await_port(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _await_port(port: int) -> None:
    """Wait until somebody answers a request: the port alone is open before the applications have started."""
    latest = time.monotonic() + _LONGEST_START_SECONDS
    while time.monotonic() < latest:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            if connection.recv(1):
                return
        time.sleep(0.05)
    raise TimeoutError(f"nobody answers on port {port}")


async def serve(course: Course, name: str) -> None:
    with serving(SERVERS[name]) as address:
        async with http_pool() as pool:
            door = a2a_door(address) if name == "a2a" else plain_door(address)
            await course.run_async(Client(pool, door).lap)


if __name__ == "__main__":
    uvloop.run(serve(Course(), sys.argv[1]))
