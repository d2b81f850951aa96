"""A client over HTTP: submits each task with its credential and reads it until it has ended. The same for everyone."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from benchmarks.contest import Lap, Order, closed_loop
from delegation.gateway.http_pool import HttpPool
from security.outbound import AddressPolicy

MESSAGE = "Write the quarterly report for the four regions."
_SHORTEST_PAUSE_SECONDS = 0.01
# Less than the five seconds after which uvicorn closes a connection that nobody uses.
_IDLE_SECONDS = 3.0
# Of the time that tasks have taken lately: before the first read, and between one and the next.
_BEFORE_FIRST_READ, _BETWEEN_READS = 0.8, 0.2
_WEIGHT_OF_THE_LATEST = 0.2
# Sent with each submission that is read too: the server may answer when the task has ended (RFC 7240).
_PREFERENCE = {"prefer": "wait=50"}
_NONE: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What an answer says of a task."""

    task_id: str
    ended: bool
    completed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """How to ask for a task: addresses, what to send, and how to read the answer."""

    submit_url: str
    tasks_url: str
    headers: Callable[[Order], Mapping[str, str]]
    body: Callable[[Order], Mapping[str, object]]
    sighting: Callable[[Mapping[str, Any]], Sighting]


class Client:
    """Has a submission answered when the task has ended, as far as the server goes along with it.

    Otherwise, or where it does not want to wait, it reads no more often than makes sense for how long tasks have taken
    lately.
    """

    def __init__(self, pool: HttpPool, door: Door, *, waits: bool = True) -> None:
        self._pool = pool
        self._door = door
        self._waits = waits
        self._usual_seconds = 0.0

    async def lap(self, order: Order) -> Lap:
        """Run the order; the shape ``ingress`` only submits. Raises RuntimeError where a task does not complete."""
        perform = self._submit if order.shape == "ingress" else self._perform
        return await closed_loop(order, lambda: perform(order))

    async def _submit(self, order: Order) -> None:
        await self._ask("POST", self._door.submit_url, order, orjson.dumps(self._door.body(order)))

    async def _perform(self, order: Order) -> None:
        began = time.perf_counter()
        body = orjson.dumps(self._door.body(order))
        seen = await self._ask("POST", self._door.submit_url, order, body, _PREFERENCE if self._waits else _NONE)
        pause, under_way_until = self._usual_seconds * _BEFORE_FIRST_READ, 0.0
        while not seen.ended:
            await asyncio.sleep(max(pause, _SHORTEST_PAUSE_SECONDS))
            pause = self._usual_seconds * _BETWEEN_READS
            read_after = time.perf_counter() - began
            seen = await self._ask("GET", f"{self._door.tasks_url}/{seen.task_id}", order, b"")
            under_way_until = under_way_until if seen.ended else read_after
        # It ended between two reads: half way, for all we know. After a slow start that is what makes us quick again.
        took = (under_way_until + time.perf_counter() - began) / 2
        self._usual_seconds += _WEIGHT_OF_THE_LATEST * (took - self._usual_seconds)
        if not seen.completed:
            raise RuntimeError(f"task {seen.task_id} did not complete")

    async def _ask(
        self, method: str, url: str, order: Order, content: bytes, more: Mapping[str, str] = _NONE
    ) -> Sighting:
        headers = {
            "content-type": "application/json",
            "accept": "application/json",
            **self._door.headers(order),
            **more,
        }
        response = await self._pool.request(method, url, headers=headers, body=content)
        if response.status not in {200, 201}:
            raise RuntimeError(f"{method} {url}: {response.status} {response.body[:500]!r}")
        return self._door.sighting(orjson.loads(response.body))


@contextlib.asynccontextmanager
async def http_pool() -> AsyncIterator[HttpPool]:
    """Give connections enough for everyone in flight."""
    pool = HttpPool(
        policy=AddressPolicy(allowed_hosts=("127.0.0.1",)),
        max_response_bytes=1024 * 1024,
        max_connections=256,
        max_connections_per_host=256,
        idle_seconds=_IDLE_SECONDS,
    )
    yield pool
    await pool.close()
