"""DBOS: one asynchronous workflow a task, one durable step an agent; a fan-out's branches are child workflows."""

# The library is not installed beside the type checker.
# mypy: disable-error-code="untyped-decorator, no-any-return"

import asyncio
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


async def serve(course: Course) -> None:
    create_tables()
    _steps.append(AsyncSteps())
    await _steps[0].open()
    url = DATABASE_URL.replace("postgres://", "postgresql+psycopg://")
    DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR", "sys_db_pool_size": 20})
    DBOS.launch()
    await course.run_async(lambda order: closed_loop(order, lambda: perform(order)))
    await asyncio.to_thread(DBOS.destroy)
    await _steps[0].close()


if __name__ == "__main__":
    uvloop.run(serve(Course()))
