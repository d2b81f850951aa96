"""The floor: three calls, one insert for the task and one for each step, and nothing else. No claims, no recovery."""

import asyncio
from uuid import uuid4

import uvloop

from benchmarks.contest import CHAIN, LEAVES, Course, Order, closed_loop
from benchmarks.peers.audit import create_tables
from benchmarks.peers.steps import AsyncSteps


async def perform(steps: AsyncSteps, order: Order) -> None:
    task_id = str(uuid4())
    await steps.begin(task_id)
    if order.shape == "chain":
        for agent in CHAIN:
            await steps.take(task_id, agent, delay_ms=order.delay_ms)
        return
    await steps.take(task_id, "split", delay_ms=order.delay_ms)
    await asyncio.gather(*(steps.take(task_id, leaf, delay_ms=order.delay_ms) for leaf in LEAVES))
    await steps.take(task_id, "split", delay_ms=order.delay_ms)


async def serve(course: Course) -> None:
    create_tables()
    steps = AsyncSteps()
    await steps.open()
    await course.run_async(lambda order: closed_loop(order, lambda: perform(steps, order)))
    await steps.close()


if __name__ == "__main__":
    uvloop.run(serve(Course()))
