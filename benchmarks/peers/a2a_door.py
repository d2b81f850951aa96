"""The a2a-sdk's own server with its DatabaseTaskStore: HTTP+JSON routes, an executor that takes the chain's steps."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

# Spans would go nowhere: there is no exporter.
os.environ["OTEL_INSTRUMENTATION_A2A_SDK_ENABLED"] = "false"

from a2a.helpers import new_task_from_user_message, new_text_part
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_rest_routes
from a2a.server.tasks import DatabaseTaskStore, TaskUpdater
from a2a.types import AgentCapabilities, AgentCard, AgentInterface, AgentSkill
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, AuthenticationError, SimpleUser
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection

from benchmarks.contest import CHAIN
from benchmarks.peers.audit import DATABASE_URL, create_tables
from benchmarks.peers.bearer import is_known
from benchmarks.peers.door import CONNECTIONS
from benchmarks.peers.steps import AsyncSteps

CARD = AgentCard(
    name="Chain",
    description="Takes three steps.",
    version="1",
    supported_interfaces=[
        AgentInterface(url="http://127.0.0.1/", protocol_binding="HTTP+JSON", protocol_version="1.0")
    ],
    capabilities=AgentCapabilities(),
    default_input_modes=["text/plain"],
    default_output_modes=["text/plain"],
    skills=[AgentSkill(id="chain", name="Chain", description="Takes three steps.", tags=["chain"])],
)
_engine = create_async_engine(
    "postgresql+asyncpg://" + DATABASE_URL.partition("://")[2],
    pool_size=2 * CONNECTIONS,
    max_overflow=0,
    pool_timeout=120,
)
_steps: list[AsyncSteps] = []


class Chain(AgentExecutor):
    """Tells of the task, takes its steps, and gives the last one's word as the artifact."""

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        await event_queue.enqueue_event(context.current_task or new_task_from_user_message(context.message))
        updater = TaskUpdater(event_queue, context.task_id, context.context_id)
        await updater.start_work()
        delay_ms = int(context.message.metadata["delay_ms"])
        for agent in CHAIN:
            decision = await _steps[0].take(context.task_id, agent, delay_ms=delay_ms)
        await updater.add_artifact([new_text_part(decision["action"])])
        await updater.complete()

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        raise NotImplementedError


class Bearer(AuthenticationBackend):
    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, SimpleUser]:
        if not is_known(conn.headers.get("authorization", "")):
            raise AuthenticationError("no such token")
        return AuthCredentials(["tasks"]), SimpleUser("bench")


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    _steps.append(AsyncSteps(connections=CONNECTIONS))
    await _steps[0].open()
    yield
    await _steps[0].close()
    await _engine.dispose()


def application() -> Starlette:
    handler = DefaultRequestHandler(
        agent_executor=Chain(), task_store=DatabaseTaskStore(_engine, create_table=False), agent_card=CARD
    )
    return Starlette(
        routes=create_rest_routes(handler),
        middleware=[Middleware(AuthenticationMiddleware, backend=Bearer())],
        lifespan=lifespan,
    )


app = application()


async def prepare() -> None:
    """Make the tables, once, before several processes serve."""
    create_tables()
    await DatabaseTaskStore(_engine).initialize()
    await _engine.dispose()


if __name__ == "__main__":
    asyncio.run(prepare())
