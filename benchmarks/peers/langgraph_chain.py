"""LangGraph with its Postgres saver, durability "sync": one node an agent, one thread a task."""

import operator
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypedDict
from uuid import uuid4

import uvloop
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from benchmarks.contest import CHAIN, LEAVES, Course, Order, closed_loop
from benchmarks.peers.audit import DATABASE_URL, create_tables
from benchmarks.peers.steps import AsyncSteps


class State(TypedDict):
    task_id: str
    delay_ms: int
    agent: str
    actions: Annotated[list[str], operator.add]


def node(steps: AsyncSteps, agent: str | None) -> Any:
    async def call(state: State) -> dict[str, list[str]]:
        decision = await steps.take(state["task_id"], agent or state["agent"], delay_ms=state["delay_ms"])
        return {"actions": [decision["action"]]}

    return call


def chain(steps: AsyncSteps, saver: AsyncPostgresSaver) -> Any:
    graph = StateGraph(State)
    for agent in CHAIN:
        graph.add_node(agent, node(steps, agent))
    for source, target in zip((START, *CHAIN), (*CHAIN, END), strict=True):
        graph.add_edge(source, target)
    return graph.compile(checkpointer=saver)


def fan_out(steps: AsyncSteps, saver: AsyncPostgresSaver) -> Any:
    graph = StateGraph(State)
    graph.add_node("split", node(steps, "split"))
    graph.add_node("leaf", node(steps, None))
    graph.add_node("join", node(steps, "split"))
    graph.add_edge(START, "split")
    graph.add_conditional_edges(
        "split", lambda state: [Send("leaf", {**state, "agent": leaf}) for leaf in LEAVES], ["leaf"]
    )
    graph.add_edge("leaf", "join")
    graph.add_edge("join", END)
    return graph.compile(checkpointer=saver)


@asynccontextmanager
async def postgres_saver(*, connections: int, set_up: bool) -> AsyncIterator[AsyncPostgresSaver]:
    """Give the saver on a pool, as its documentation has it; ``set_up`` makes its tables first."""
    options = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    async with AsyncConnectionPool(DATABASE_URL, min_size=connections, max_size=connections, kwargs=options) as pool:
        saver = AsyncPostgresSaver(pool)
        if set_up:
            await saver.setup()
        yield saver


async def serve(course: Course) -> None:
    create_tables()
    steps = AsyncSteps()
    await steps.open()
    async with postgres_saver(connections=16, set_up=True) as saver:
        graphs = {"chain": chain(steps, saver), "fanout": fan_out(steps, saver)}

        async def perform(order: Order) -> None:
            task_id = str(uuid4())
            state = {"task_id": task_id, "delay_ms": order.delay_ms, "agent": "", "actions": []}
            config = {"configurable": {"thread_id": task_id}}
            await graphs[order.shape].ainvoke(state, config, durability="sync")

        await course.run_async(lambda order: closed_loop(order, lambda: perform(order)))
    await steps.close()


if __name__ == "__main__":
    uvloop.run(serve(Course()))
