"""DBOS: one asynchronous workflow a task, one durable step an agent; a fan-out's branches are child workflows."""

# The library is not installed beside the type checker.
# mypy: disable-error-code="untyped-decorator, no-any-return"

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import uvloop
from dbos import DBOS, SetWorkflowID

from benchmarks.contest import CHAIN, LEAVES, Course, Order, closed_loop
from benchmarks.peers.audit import DATABASE_URL, create_tables
from benchmarks.peers.steps import AsyncSteps

_steps: list[AsyncSteps] = []


@DBOS.step()
async def take(task_id: str, agent: str, delay_ms: int) -> str:
    return str((await _steps[0].take(task_id, agent, delay_ms=delay_ms))["action"])


@DBOS.workflow()
async def chain(task_id: str, delay_ms: int) -> str:
    for agent in CHAIN:
        action = await take(task_id, agent, delay_ms)
    return action


@DBOS.workflow()
async def branch(task_id: str, agent: str, delay_ms: int) -> str:
    return await take(task_id, agent, delay_ms)


@DBOS.workflow()
async def fan_out(task_id: str, delay_ms: int) -> str:
    await take(task_id, "split", delay_ms)
    handles = [await DBOS.start_workflow_async(branch, task_id, leaf, delay_ms) for leaf in LEAVES]
    for handle in handles:
        await handle.get_result()
    return await take(task_id, "split", delay_ms)


async def perform(order: Order) -> None:
    task_id = str(uuid4())
    with SetWorkflowID(task_id):
        await (chain if order.shape == "chain" else fan_out)(task_id, order.delay_ms)


@asynccontextmanager
async def launched(*, connections: int, executor_id: str = "local") -> AsyncIterator[None]:
    """Launch DBOS with a pool of so many connections, and as many for the steps.

    The launch takes up the workflows that an earlier process of the same executor id has left.
    """
    _steps.append(AsyncSteps(connections=connections))
    await _steps[0].open()
    config = {
        "name": "bench",
        "system_database_url": "postgresql+psycopg://" + DATABASE_URL.partition("://")[2],
        "sys_db_pool_size": connections,
        "executor_id": executor_id,
        "log_level": "ERROR",
    }
    DBOS(config=config)
    DBOS.launch()
    yield
    await asyncio.to_thread(DBOS.destroy)
    await _steps.pop().close()


async def serve(course: Course) -> None:
    create_tables()
    async with launched(connections=20):
        await course.run_async(lambda order: closed_loop(order, lambda: perform(order)))


if __name__ == "__main__":
    uvloop.run(serve(Course()))
