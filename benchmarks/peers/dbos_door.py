"""DBOS behind a door: workflows start in the server's processes, and are read by their status."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dbos import DBOS, SetWorkflowID

from benchmarks.peers.audit import create_tables
from benchmarks.peers.dbos_chain import chain, launched
from benchmarks.peers.door import CONNECTIONS, Work, door

_STATUS = {"PENDING": "working", "ENQUEUED": "submitted", "SUCCESS": "completed"}


@asynccontextmanager
async def working() -> AsyncIterator[Work]:
    async with launched(connections=CONNECTIONS, executor_id=str(os.getpid())):

        async def submit(task_id: str, delay_ms: int) -> None:
            with SetWorkflowID(task_id):
                await DBOS.start_workflow_async(chain, task_id, delay_ms)

        async def perform(task_id: str, delay_ms: int) -> tuple[str, str]:
            with SetWorkflowID(task_id):
                return "completed", await chain(task_id, delay_ms)

        async def read(task_id: str) -> tuple[str, str] | None:
            found = await DBOS.get_workflow_status_async(task_id)
            return found and (_STATUS.get(found.status, "failed"), str(found.output))

        yield Work(submit=submit, perform=perform, read=read)


app = door(working)


async def prepare() -> None:
    """Make the tables, once, before several processes serve."""
    create_tables()
    async with launched(connections=2, executor_id="prepare"):
        pass


if __name__ == "__main__":
    asyncio.run(prepare())
