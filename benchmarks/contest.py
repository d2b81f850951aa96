"""How a contender is told what to do: one JSON object a line on its input, one for each lap on its output.

Imported by every contender, in whatever environment it runs: the standard library alone.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import repeat
from typing import TextIO

CHAIN = ("a", "b", "c")
LEAVES = tuple(f"leaf-{number}" for number in range(10))


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """So many tasks, so many of them at a time; agents answer after ``delay_ms``.

    ``shape`` is chain, fanout, or ingress: tasks that are submitted and not begun.
    """

    shape: str
    delay_ms: int
    tasks: int
    in_flight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lap:
    """What a contender measured: from the first submission to the last end, and each task from its own to its own."""

    seconds: float
    latencies_ms: list[float]


def orders(source: TextIO) -> Iterator[Order]:
    """Return the orders until the input ends."""
    for line in source:
        yield Order(**json.loads(line))


class Course:
    """A contender's side of the talk. The output is kept for it: whatever else prints goes to standard error."""

    def __init__(self) -> None:
        self._output, sys.stdout = sys.stdout, sys.stderr

    def run(self, lap: Callable[[Order], Lap]) -> None:
        """Say that the contender is ready, then run each order."""
        self._say({"ready": True})
        for order in orders(sys.stdin):
            self._say(asdict(lap(order)))

    async def run_async(self, lap: Callable[[Order], Awaitable[Lap]]) -> None:
        self._say({"ready": True})
        while line := await asyncio.to_thread(sys.stdin.readline):
            self._say(asdict(await lap(Order(**json.loads(line)))))

    def _say(self, message: object) -> None:
        self._output.write(json.dumps(message) + "\n")
        self._output.flush()


async def closed_loop(order: Order, perform: Callable[[], Awaitable[None]]) -> Lap:
    """Run the order's tasks, each runner starting its next when its last has ended."""
    latencies: list[float] = []
    left = repeat(None, order.tasks)

    async def runner() -> None:
        for _ in left:
            began = time.perf_counter()
            await perform()
            latencies.append((time.perf_counter() - began) * 1000)

    began = time.perf_counter()
    await asyncio.gather(*(runner() for _ in range(order.in_flight)))
    return Lap(seconds=time.perf_counter() - began, latencies_ms=latencies)


def request_body(task_id: str, agent: str) -> dict[str, object]:
    """Return the A2A message that a peer sends to an agent: of the size of a short instruction with its context."""
    message = {
        "messageId": f"{task_id}-{agent}",
        "contextId": task_id,
        "role": "ROLE_USER",
        "parts": [
            {"text": "Write the quarterly report for the four regions."},
            {"data": {"task_id": task_id, "inputs": []}},
        ],
    }
    return {"jsonrpc": "2.0", "id": message["messageId"], "method": "SendMessage", "params": {"message": message}}
