"""Ours as a client meets it: web and worker processes apart, each task submitted and read over REST with an API key.

A contender (see contest.py) that is itself only the client.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import django
import orjson
import uvloop

from benchmarks.contest import Course, Lap, Order, closed_loop

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "a2a_project.settings")
django.setup()

from asgiref.sync import sync_to_async  # noqa: E402 - what follows needs the apps

from benchmarks.team import FIRST_AGENTS, Employer, customer_id_of, employers  # noqa: E402
from delegation.gateway.http_pool import HttpPool  # noqa: E402
from delegation.states import TASK_ENDED, TaskStatus  # noqa: E402
from security.outbound import AddressPolicy  # noqa: E402

MESSAGE = "Write the quarterly report for the four regions."
_SHORTEST_PAUSE_SECONDS = 0.01
# Of the time that tasks have taken lately: before the first read, and between one and the next.
_BEFORE_FIRST_READ, _BETWEEN_READS = 0.8, 0.2


class Client:
    """Submits a task and reads it until it has ended, no more often than makes sense for how long tasks take."""

    def __init__(self, pool: HttpPool, address: str, staff: Mapping[str, Employer]) -> None:
        self._pool = pool
        self._tasks_url = f"{address}api/v1/tasks"
        self._staff = staff
        self._usual_seconds = 0.0

    async def lap(self, order: Order) -> Lap:
        return await closed_loop(order, lambda: self._perform(order))

    async def _perform(self, order: Order) -> None:
        """Raise RuntimeError where the task does not complete."""
        key = self._staff[customer_id_of(order)].api_key
        task = await self._ask("POST", self._tasks_url, key, {"message": MESSAGE, "agent": FIRST_AGENTS[order.shape]})
        url = f"{self._tasks_url}/{task['task_id']}"
        began = time.perf_counter()
        pause = self._usual_seconds * _BEFORE_FIRST_READ
        while task["status"] not in TASK_ENDED:
            await asyncio.sleep(max(pause, _SHORTEST_PAUSE_SECONDS))
            pause = self._usual_seconds * _BETWEEN_READS
            task = await self._ask("GET", url, key)
        self._usual_seconds += 0.1 * (time.perf_counter() - began - self._usual_seconds)
        if task["status"] != TaskStatus.COMPLETED:
            raise RuntimeError(f"{task}")

    async def _ask(self, method: str, url: str, key: str, body: object = None) -> dict[str, Any]:
        content = b"" if body is None else orjson.dumps(body)
        headers = {"content-type": "application/json", "accept": "application/json", "x-api-key": key}
        response = await self._pool.request(method, url, headers=headers, body=content)
        if response.status not in {200, 201}:
            raise RuntimeError(f"{method} {url}: {response.status} {response.body[:500]!r}")
        answer: dict[str, Any] = orjson.loads(response.body)
        return answer


@contextlib.contextmanager
def installation() -> Iterator[str]:
    """Run a web process and a worker process; give the web's address."""
    manage = [sys.executable, "manage.py"]
    environment = os.environ | {"BROKER_URL": os.environ["REDIS_URL"]}
    worker = subprocess.Popen([*manage, "rundramatiq", "--processes", "1"], env=environment, stdout=sys.stderr)
    web = subprocess.Popen([*manage, "web", "--port", "0"], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert web.stdout is not None
        yield next(word for line in web.stdout for word in line.split() if word.startswith("http://"))
    finally:
        for process in (web, worker):
            process.terminate()
            process.wait()


@contextlib.asynccontextmanager
async def http_pool() -> AsyncIterator[HttpPool]:
    pool = HttpPool(
        policy=AddressPolicy(allowed_hosts=("127.0.0.1",)),
        max_response_bytes=1024 * 1024,
        max_connections=256,
        max_connections_per_host=256,
    )
    yield pool
    await pool.close()


async def serve(course: Course) -> None:
    staff = await sync_to_async(employers)(os.environ["AGENTS_URL"])
    with installation() as address:
        async with http_pool() as pool:
            await course.run_async(Client(pool, address, staff).lap)


if __name__ == "__main__":
    uvloop.run(serve(Course()))
