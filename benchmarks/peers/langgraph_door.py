"""LangGraph behind a door: graphs run in the server's processes, a row a task tells how it stands.

Reading the graph's own state instead costs more than this row.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.peers.audit import create_tables
from benchmarks.peers.door import CONNECTIONS, Work, door
from benchmarks.peers.langgraph_chain import chain, postgres_saver
from benchmarks.peers.steps import AsyncSteps

_TABLE = """CREATE TABLE IF NOT EXISTS bench_run (id text PRIMARY KEY, status text NOT NULL, result text NOT NULL)"""


@asynccontextmanager
async def working() -> AsyncIterator[Work]:
    steps = AsyncSteps(connections=CONNECTIONS)
    await steps.open()
    running: set[asyncio.Task[str]] = set()
    async with postgres_saver(connections=CONNECTIONS, set_up=False) as saver:
        graph = chain(steps, saver)

        async def run(task_id: str, delay_ms: int) -> str:
            state = {"task_id": task_id, "delay_ms": delay_ms, "agent": "", "actions": []}
            config = {"configurable": {"thread_id": task_id}}
            ended = await graph.ainvoke(state, config, durability="sync")
            result = str(ended["actions"][-1])
            await steps.write("UPDATE bench_run SET status = 'completed', result = %s WHERE id = %s", (result, task_id))
            return result

        async def submit(task_id: str, delay_ms: int) -> None:
            await steps.write("INSERT INTO bench_run VALUES (%s, 'working', '')", (task_id,))
            task = asyncio.create_task(run(task_id, delay_ms))
            running.add(task)
            task.add_done_callback(running.discard)

        async def perform(task_id: str, delay_ms: int) -> tuple[str, str]:
            await steps.write("INSERT INTO bench_run VALUES (%s, 'working', '')", (task_id,))
            return "completed", await run(task_id, delay_ms)

        async def read(task_id: str) -> tuple[str, str] | None:
            return await steps.row("SELECT status, result FROM bench_run WHERE id = %s", (task_id,))

        yield Work(submit=submit, perform=perform, read=read)
    await steps.close()


app = door(working)


async def prepare() -> None:
    """Make the tables, once, before several processes serve."""
    create_tables(_TABLE)
    async with postgres_saver(connections=1, set_up=True):
        pass


if __name__ == "__main__":
    asyncio.run(prepare())
