"""A complete agent that counts words: `python -m examples.minimal_agent`, then register http://127.0.0.1:9000/."""

import sys

import uvicorn
from a2a.helpers import new_text_message
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes
from a2a.server.tasks import InMemoryTaskStore
from a2a.types import AgentCapabilities, AgentCard, AgentInterface, AgentSkill
from a2a.utils.errors import TaskNotCancelableError
from starlette.applications import Starlette


class WordCounter(AgentExecutor):
    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        await event_queue.enqueue_event(new_text_message(f"{len(context.get_user_input().split())} words"))

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:  # noqa: ARG002 - the SDK's names
        raise TaskNotCancelableError


def application(url: str) -> Starlette:
    card = AgentCard(
        name="Word counter",
        description="Counts the words of a text.",
        version="1.0.0",
        supported_interfaces=[AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version="1.0")],
        capabilities=AgentCapabilities(),
        default_input_modes=["text/plain"],
        default_output_modes=["text/plain"],
        skills=[AgentSkill(id="counting", name="Counting", description="Counts words.", tags=["counting"])],
    )
    handler = DefaultRequestHandler(WordCounter(), InMemoryTaskStore(), card)
    return Starlette(routes=[*create_agent_card_routes(card), *create_jsonrpc_routes(handler, "/")])


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9000
    uvicorn.run(application(f"http://127.0.0.1:{port}/"), host="127.0.0.1", port=port)
