"""Serve a team of agents over A2A 1.0: every agent has a path, a card and a JSON-RPC endpoint of its own."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
from a2a.helpers import get_data_parts, get_message_text, new_data_part, new_message, new_task, new_text_part
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.context import ServerCallContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes
from a2a.server.tasks import (
    BasePushNotificationSender,
    InMemoryPushNotificationConfigStore,
    InMemoryTaskStore,
    TaskUpdater,
)
from a2a.types import (
    AgentCapabilities,
    AgentCard,
    AgentExtension,
    AgentInterface,
    AgentSkill,
    GetTaskRequest,
    Message,
    Part,
    SendMessageRequest,
    Task,
    TaskState,
)
from a2a.utils.errors import InvalidParamsError, TaskNotCancelableError
from starlette.applications import Starlette
from starlette.routing import Route

from examples.agent import EXTENSION_URI, Decision, Employee, MalformedContextError, Request, read_request

PUSH_TIMEOUT_SECONDS = 5.0
CHARACTERS_PER_TOKEN = 4

# US dollars per million tokens (input, output): a senior mind costs more.
PRICES = {
    "specialist": (0.25, 1.25),
    "senior": (1.0, 5.0),
    "manager": (2.0, 10.0),
    "director": (3.0, 15.0),
    "executive": (5.0, 25.0),
}


@dataclass(frozen=True, slots=True)
class EmployeeExecutor(AgentExecutor):
    """Turn an A2A message into a request, let the employee decide, and answer in the form that was asked for."""

    employee: Employee
    late_seconds: float

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Answer with a message, or with a task that works on for `late_seconds` where the employee answers late.

        Raises InvalidParamsError where the delegation context is malformed.
        """
        message = context.message
        assert message is not None
        delegation = delegation_context(message)
        try:
            request = read_request(
                employee=self.employee,
                instruction=get_message_text(message),
                context=delegation,
                now=datetime.now(UTC),
            )
        except MalformedContextError as error:
            raise InvalidParamsError(message=str(error)) from error
        if self.employee.answers_late:
            await self._answer_late(request, message, event_queue, speaks_extension=delegation is not None)
        else:
            parts = await asyncio.to_thread(answer_parts, request, speaks_extension=delegation is not None)
            await event_queue.enqueue_event(_reply(parts, context_id=context.context_id))

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        """End a late answer that nobody waits for any more."""
        if context.task_id is None or context.context_id is None:
            raise TaskNotCancelableError
        await TaskUpdater(event_queue, context.task_id, context.context_id).cancel()

    async def _answer_late(
        self, request: Request, message: Message, event_queue: EventQueue, *, speaks_extension: bool
    ) -> None:
        working = new_task(message.task_id, message.context_id, TaskState.TASK_STATE_WORKING, history=[message])
        await event_queue.enqueue_event(working)
        await asyncio.sleep(self.late_seconds)
        updater = TaskUpdater(event_queue, message.task_id, message.context_id)
        parts = await asyncio.to_thread(answer_parts, request, speaks_extension=speaks_extension)
        await updater.add_artifact(parts, name="decision", extensions=[EXTENSION_URI] if speaks_extension else None)
        await updater.complete()


class LateRequestHandler(DefaultRequestHandler):
    """Answer at once with the working task, and know a repeated message again.

    The work outlasts what a client can be expected to wait for, so a blocking request is not kept waiting either. A
    client that lost our answer sends the same message once more, and must find the work it began, not begin it twice.
    """

    remembered = 10_000

    def __init__(self, executor: AgentExecutor, agent_card: AgentCard, push_client: httpx.AsyncClient) -> None:
        push_configs = InMemoryPushNotificationConfigStore()
        super().__init__(
            executor,
            InMemoryTaskStore(),
            agent_card,
            push_config_store=push_configs,
            push_sender=BasePushNotificationSender(push_client, push_configs),
        )
        self._begun: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def on_message_send(self, params: SendMessageRequest, context: ServerCallContext) -> Message | Task:
        params.configuration.return_immediately = True
        key = (context.state.get("headers", {}).get("x-customer-id", ""), params.message.message_id)
        begun = self._begun.get(key)
        if begun is not None and not params.message.task_id:
            known: Task | None = await self.on_get_task(GetTaskRequest(id=begun), context)
            if known is not None:
                return known
        answer: Message | Task = await super().on_message_send(params, context)
        if isinstance(answer, Task):
            self._begun[key] = answer.id
            while len(self._begun) > self.remembered:
                self._begun.popitem(last=False)
        return answer


def delegation_context(message: Message) -> Mapping[str, object] | None:
    """Find the data part of the delegation extension; None where the client does not speak it.

    Raises InvalidParamsError where the part is not a JSON object.
    """
    for part in message.parts:
        if part.HasField("data") and part.metadata.fields["extension"].string_value == EXTENSION_URI:
            data = get_data_parts([part])[0]
            if not isinstance(data, dict):
                raise InvalidParamsError(message="the delegation context is not an object")
            return data
    return None


def answer_parts(request: Request, *, speaks_extension: bool) -> list[Part]:
    """Let the employee decide; give the decision as a data part, or as plain text to a client without the extension."""
    decision = request.employee.decide(request)
    if not speaks_extension:
        return [new_text_part(decision.result or decision.question or decision.reason)]
    part = new_data_part(decision.as_dict() | {"usage": usage(request, decision)})
    part.metadata.update({"extension": EXTENSION_URI})
    return [part]


def usage(request: Request, decision: Decision) -> dict[str, float]:
    """Estimate tokens from the length of what was read and written, and their price in US dollars."""
    read = len(request.instruction) + sum(len(child.result) for child in request.results)
    written = sum(len(str(value)) for value in decision.as_dict().values())
    tokens_in, tokens_out = (-(-length // CHARACTERS_PER_TOKEN) for length in (read, written))
    price_in, price_out = PRICES[request.employee.seniority]
    cost = (tokens_in * price_in + tokens_out * price_out) / 1_000_000
    return {"input_tokens": tokens_in, "output_tokens": tokens_out, "cost_usd": round(cost, 6)}


def card(employee: Employee, *, base_url: str) -> AgentCard:
    return AgentCard(
        name=employee.name,
        description=employee.description,
        version="1.0.0",
        supported_interfaces=[
            AgentInterface(url=f"{base_url}/{employee.agent_type}/", protocol_binding="JSONRPC", protocol_version="1.0")
        ],
        capabilities=AgentCapabilities(
            streaming=not employee.answers_late,
            push_notifications=employee.answers_late,
            extensions=[AgentExtension(uri=EXTENSION_URI, description="Answers delegation decisions.")],
        ),
        default_input_modes=["text/plain", "application/json"],
        default_output_modes=["text/plain", "application/json"],
        skills=[
            AgentSkill(id=skill, name=skill.replace("-", " "), description=employee.description, tags=[skill])
            for skill in employee.skills
        ],
    )


def application(employees: Sequence[Employee], *, base_url: str, late_seconds: float) -> Starlette:
    """Build the ASGI application that serves each of `employees` beneath `/<agent_type>/`.

    `base_url` is the address that clients use, without a trailing slash; it goes into the cards.
    """
    push_client = httpx.AsyncClient(timeout=PUSH_TIMEOUT_SECONDS)
    handlers: list[DefaultRequestHandler] = []
    routes: list[Route] = []
    for employee in employees:
        agent_card = card(employee, base_url=base_url)
        handler = _handler(employee, agent_card, push_client, late_seconds=late_seconds)
        handlers.append(handler)
        path = f"/{employee.agent_type}"
        routes += create_agent_card_routes(agent_card, card_url=f"{path}/.well-known/agent-card.json")
        routes += create_jsonrpc_routes(handler, path) + create_jsonrpc_routes(handler, f"{path}/")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with push_client:
            yield
            await asyncio.gather(*(handler.aclose() for handler in handlers))

    return Starlette(routes=routes, lifespan=lifespan)


def _handler(
    employee: Employee, agent_card: AgentCard, push_client: httpx.AsyncClient, *, late_seconds: float
) -> DefaultRequestHandler:
    executor = EmployeeExecutor(employee, late_seconds)
    if not employee.answers_late:
        return DefaultRequestHandler(executor, InMemoryTaskStore(), agent_card)
    return LateRequestHandler(executor, agent_card, push_client)


def _reply(parts: list[Part], *, context_id: str | None) -> Message:
    reply = new_message(parts, context_id=context_id)
    if parts[0].HasField("data"):
        reply.extensions.append(EXTENSION_URI)
    return reply
