"""A stranger's agent, built on a2a-sdk alone, which shows what a real server makes of our requests."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator

import httpx
import uvicorn
from a2a.helpers.proto_helpers import new_data_part, new_message, new_task_from_user_message, new_text_part
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes, create_rest_routes
from a2a.server.tasks import (
    BasePushNotificationSender,
    InMemoryPushNotificationConfigStore,
    InMemoryTaskStore,
    TaskUpdater,
)
from a2a.types.a2a_pb2 import AgentCapabilities, AgentCard, AgentInterface, AgentSkill, Role
from google.protobuf.json_format import MessageToDict
from starlette.applications import Starlette


class Executor(AgentExecutor):
    """Do what the instruction's first word says."""

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        assert context.message is not None
        word = context.get_user_input().split()[0]
        if word == "echo":
            received = {
                "message": MessageToDict(context.message),
                "headers": dict(context.call_context.state["headers"]),
            }
            parts = [new_text_part("as received"), new_data_part(received)]
            await event_queue.enqueue_event(new_message(parts, role=Role.ROLE_AGENT))
            return
        task = context.current_task or new_task_from_user_message(context.message)
        if context.current_task is None:
            await event_queue.enqueue_event(task)
        updater = TaskUpdater(event_queue, task.id, task.context_id)
        await getattr(self, f"_{word}")(updater, context)

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        assert context.task_id
        assert context.context_id
        await TaskUpdater(event_queue, context.task_id, context.context_id).cancel()

    async def _work(self, updater: TaskUpdater, _: RequestContext) -> None:
        await updater.start_work()
        await updater.add_artifact(
            [new_text_part("the artifact"), new_data_part({"action": "handle", "result": "done"})]
        )
        await updater.complete(updater.new_agent_message([new_text_part("the closing words")]))

    async def _late(self, updater: TaskUpdater, context: RequestContext) -> None:
        await updater.start_work()
        await asyncio.sleep(0.3)
        await self._work(updater, context)

    async def _ask(self, updater: TaskUpdater, _: RequestContext) -> None:
        await updater.requires_input(updater.new_agent_message([new_text_part("Which quarter?")]))

    async def _answered(self, updater: TaskUpdater, context: RequestContext) -> None:
        await updater.complete(updater.new_agent_message([new_text_part(f"thank you for: {context.get_user_input()}")]))

    async def _fail(self, updater: TaskUpdater, _: RequestContext) -> None:
        await updater.failed(updater.new_agent_message([new_text_part("the printer is on fire")]))

    async def _reject(self, updater: TaskUpdater, _: RequestContext) -> None:
        await updater.reject(updater.new_agent_message([new_text_part("not my work")]))


@contextlib.contextmanager
def sdk_agent(*interfaces: tuple[str, str]) -> Iterator[str]:
    """Serve the agent with these interfaces, (binding, protocol version), and give its base address."""
    config = uvicorn.Config(Starlette(), host="127.0.0.1", port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    socket = config.bind_socket()
    url = f"http://127.0.0.1:{socket.getsockname()[1]}"
    config.app = _application(url, interfaces)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
    thread.start()
    yield url
    server.should_exit = True
    thread.join()
    socket.close()


def _application(url: str, interfaces: tuple[tuple[str, str], ...]) -> Starlette:
    card = AgentCard(
        name="Stranger",
        description="Built on a2a-sdk.",
        version="3.2.1",
        supported_interfaces=[
            AgentInterface(
                url=f"{url}/rpc" if binding == "JSONRPC" else f"{url}/rest",
                protocol_binding=binding,
                protocol_version=version,
            )
            for binding, version in interfaces
        ],
        capabilities=AgentCapabilities(streaming=True, push_notifications=True),
        default_input_modes=["text/plain"],
        default_output_modes=["text/plain"],
        skills=[AgentSkill(id="s", name="Strangeness", description="Being strange.", tags=["odd"])],
    )
    configs = InMemoryPushNotificationConfigStore()
    # Nobody closes the client at the end: it keeps no connection.
    client = httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
    handler = DefaultRequestHandler(
        agent_executor=Executor(),
        task_store=InMemoryTaskStore(),
        agent_card=card,
        push_config_store=configs,
        push_sender=BasePushNotificationSender(client, configs),
    )
    legacy = any(version == "0.3" for _, version in interfaces)
    return Starlette(
        routes=[
            *create_agent_card_routes(card),
            *create_jsonrpc_routes(handler, "/rpc", enable_v0_3_compat=legacy),
            *create_rest_routes(handler, path_prefix="/rest"),
        ]
    )
