"""Ours, in process: tasks submitted to the delegation loop that runs beside them, with the whole product on.

A contender (see contest.py) on the DATABASE_URL of its environment, which is an empty database.
"""

import asyncio
import os
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import django
import uvloop
from django.conf import settings

from benchmarks.contest import Course, Lap, Order, closed_loop

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "a2a_project.settings")
django.setup()

from asgiref.sync import sync_to_async  # noqa: E402 - what follows needs the apps
from django.utils import timezone  # noqa: E402

from a2a_project.interpreter import take_turns_soon, tune_for_serving  # noqa: E402
from benchmarks.team import FIRST_AGENTS, Employer, customer_id_of, employers  # noqa: E402
from delegation import metrics  # noqa: E402
from delegation.live.feed import feed  # noqa: E402
from delegation.loop.engine import Engine, EngineOptions  # noqa: E402
from delegation.models import Agent, Task  # noqa: E402
from delegation.services.tasks import prepared_task  # noqa: E402
from delegation.states import TASK_ENDED, Priority, TaskStatus  # noqa: E402
from security.limiting import limit_table  # noqa: E402
from security.limits import AsyncLimiter, AsyncRedisStore  # noqa: E402
from security.rows import be_platform  # noqa: E402

# To lay out the customers and look at what became of their tasks; the loop says itself whose rows it is about.
be_platform()

MESSAGE = "Write the quarterly report for the four regions."


class Finishing:
    """Knows from the feed when a task has ended: its story has a known number of events."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, tuple[int, asyncio.Future[None]]] = {}

    def announce(self, moved: Mapping[UUID, tuple[str, int]]) -> None:
        """Pass the news on as the product does, and wake who waits for the last of a task's events."""
        feed.announce(moved)
        for task_id, (_, seq) in moved.items():
            last, ended = self._waiting.get(task_id, (0, None))
            if ended is not None and seq >= last and not ended.done():
                ended.set_result(None)

    def expect(self, task_id: UUID, *, last_event: int) -> asyncio.Future[None]:
        ended = asyncio.get_running_loop().create_future()
        self._waiting[task_id] = last_event, ended
        return ended

    def forget(self, task_id: UUID) -> None:
        del self._waiting[task_id]


class InProcess:
    """Submits tasks to the engine of this process."""

    def __init__(self, engine: Engine, finishing: Finishing, staff: Mapping[str, Employer]) -> None:
        self._engine = engine
        self._finishing = finishing
        self._staff = staff
        self._lengths: dict[str, int] = {}
        self._limiter = AsyncLimiter(AsyncRedisStore(url=settings.REDIS_URL))

    async def lap(self, order: Order) -> Lap:
        """Run the order. Raises RuntimeError where a task did not complete."""
        agent = await self._first_agent(order)
        if order.shape not in self._lengths:
            self._lengths[order.shape] = await self._length(agent)
        length = self._lengths[order.shape]
        of_lap: list[UUID] = []
        lap = await closed_loop(order, lambda: self._perform(agent, length, of_lap))
        unfinished = await Task.objects.filter(id__in=of_lap).exclude(status=TaskStatus.COMPLETED).acount()
        if unfinished:
            raise RuntimeError(f"{unfinished} tasks are not completed")
        return lap

    async def _first_agent(self, order: Order) -> Agent:
        return await Agent.objects.aget(customer_id=customer_id_of(order), agent_type=FIRST_AGENTS[order.shape])

    async def _submit(self, agent: Agent, *, last_event: int) -> tuple[UUID, asyncio.Future[None]]:
        task = prepared_task(
            principal=self._staff[agent.customer_id].principal,
            agent=agent,
            message=MESSAGE,
            priority=Priority.NORMAL,
            start=True,
            metadata={},
            idempotency_key=None,
            request_digest="",
            trace_id=os.urandom(16).hex(),
            now=timezone.now(),
        )
        task_id = task.task["id"]
        await self._admit(agent.customer_id, task_id)
        ended = self._finishing.expect(task_id, last_event=last_event)
        await self._engine.submit(task)
        metrics.TASKS_CREATED.labels(agent.customer_id, Priority.NORMAL).inc()
        return task_id, ended

    async def _admit(self, customer_id: str, task_id: UUID) -> None:
        """Count the task against its customer's limit, as every submission is."""
        hit = limit_table().customer_tasks(customer_id=customer_id)
        admission = await self._limiter.acquire([hit], operation_id=f"task:{task_id}", now=timezone.now())
        if not admission.admitted:
            raise RuntimeError("the limit of the benchmarks was reached")

    async def _perform(self, agent: Agent, last_event: int, performed: list[UUID]) -> None:
        task_id, ended = await self._submit(agent, last_event=last_event)
        await ended
        performed.append(task_id)
        self._finishing.forget(task_id)

    async def _length(self, agent: Agent) -> int:
        """Return how many events a task of this shape has, by running one. Raises TimeoutError."""
        task_id, _ = await self._submit(agent, last_event=2**31)
        async with asyncio.timeout(20):
            while (task := await Task.objects.aget(id=task_id)).status not in TASK_ENDED:  # noqa: ASYNC110 - only the database knows
                await asyncio.sleep(0.02)
        self._finishing.forget(task_id)
        return task.last_seq


def options(**changes: Any) -> EngineOptions:
    """Return the options of a worker process, as the settings have them."""
    return EngineOptions(
        agent_timeout_seconds=settings.A2A_AGENT_TIMEOUT_SECONDS,
        question_expiry_seconds=settings.A2A_QUESTION_EXPIRY_SECONDS,
        allowed_agent_hosts=tuple(settings.A2A_ALLOWED_AGENT_HOSTS),
        capacity=settings.A2A_WORKER_CAPACITY,
        **changes,
    )


async def serve(course: Course) -> None:
    """Run the orders beside a worker's loop."""
    staff = await sync_to_async(employers)(os.environ["AGENTS_URL"])
    finishing = Finishing()
    engine = Engine(options(), announce=finishing.announce)
    await engine.start()
    tune_for_serving()
    take_turns_soon()
    feed.start()
    await course.run_async(InProcess(engine, finishing, staff).lap)
    await engine.drain()
    await feed.stop()


if __name__ == "__main__":
    uvloop.run(serve(Course()))
