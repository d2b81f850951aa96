"""DBOS to be killed: the first start begins the workflows, the second finds them again, as its documentation says."""

import asyncio
import sys
from uuid import uuid4

import uvloop
from dbos import DBOS, SetWorkflowID

from benchmarks.peers.audit import create_tables
from benchmarks.peers.dbos_chain import chain, launched


async def work(tasks: int) -> None:
    create_tables()
    async with launched(connections=20):
        await asyncio.gather(*(_begin() for _ in range(tasks)))
        await asyncio.Event().wait()


async def _begin() -> None:
    task_id = str(uuid4())
    with SetWorkflowID(task_id):
        await DBOS.start_workflow_async(chain, task_id, -1)


if __name__ == "__main__":
    uvloop.run(work(int(sys.argv[2])))
