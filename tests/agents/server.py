"""The server: a thread with a loop of its own, one port, an agent under each path."""

import asyncio
import contextlib
import ssl
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from socket import socket
from typing import Any, Self, cast

import orjson
import uvloop

from tests.agents.answers import Answer, Call, Step, respond_with_result
from tests.agents.connection import Connection, Request
from tests.agents.late import Working
from tests.agents.legacy import to_current_request, to_legacy_result
from tests.agents.misbehaviour import Hang, RpcError

CARD_PATH = "/.well-known/agent-card.json"
_INBOX = "inbox"
Playable = Step | Callable[[Call], Step]


def echo(call: Call) -> Step:
    """Handle whatever comes."""
    return Answer(data={"action": "handle", "result": f"{call.agent}: {call.text}", "confidence": 0.9})


class AgentServer:
    """Serve scripted agents on a free loopback port while the context is open. Safe to use from any thread."""

    def __init__(self, *, default: Playable = echo, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self._default = default
        self._tls = tls
        self._host = host
        self._scripts: dict[str, Playable | list[Playable]] = {}
        self._cards: dict[str, dict[str, Any] | Step | None] = {}
        self._legacy: set[str] = set()
        self._refused: defaultdict[str, list[str]] = defaultdict(list)
        self._calls: list[Call] = []
        self._pushes: list[Call] = []
        self._late: list[Working] = []
        self._polls: dict[str, list[Step]] = {}
        self._hanging: set[str] = set()
        self._card_fetches: Counter[str] = Counter()
        self._positions: defaultdict[str, int] = defaultdict(int)
        self._connections: set[Connection] = set()
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="agents", daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        self.port = cast("asyncio.Server", self._server).sockets[0].getsockname()[1]
        return self

    def __exit__(self, *exc_info: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> asyncio.AbstractServer:
        return await self._loop.create_server(
            lambda: Connection(self._serve, self._connections), self._host, 0, ssl=self._tls, backlog=1024
        )

    async def _stop(self) -> None:
        self._server.close()
        for connection in list(self._connections):
            connection.transport.abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._server.wait_closed()
        while self._connections:
            await next(iter(self._connections)).closed.wait()

    def url(self, agent: str) -> str:
        """Return the agent's base address."""
        return f"{'https' if self._tls else 'http'}://{self._host}:{self.port}/{agent}"

    @contextlib.contextmanager
    def refused_url(self, agent: str = "nobody") -> Any:
        """Give an address that refuses connections for as long as the context lasts."""
        with socket() as bound:
            bound.bind((self._host, 0))
            yield f"http://{self._host}:{bound.getsockname()[1]}/{agent}"

    def script(self, agent: str, steps: Sequence[Playable] | Playable) -> None:
        """Set what the agent answers from now on: steps in order (the last is repeated), one step, or a callable."""
        self._positions[agent] = 0
        self._scripts[agent] = list(steps) if isinstance(steps, Sequence) else steps

    def card(self, agent: str, card: dict[str, Any] | Step | None) -> None:
        """Override the agent's card: fields to add or replace, a step to play instead of it, or None for a 404."""
        self._cards[agent] = card

    def answer_polls(self, agent: str, steps: Sequence[Step]) -> None:
        """Play these steps, one each, instead of telling how the agent's task stands; after them it is told again."""
        self._polls[agent] = list(steps)

    def hang_on_cancel(self, agent: str) -> None:
        """Never answer when the agent is asked to cancel a task."""
        self._hanging.add(agent)

    def speak_legacy(self, agent: str) -> None:
        """Let the agent speak A2A 0.3 alone, and say so in its card."""
        self._legacy.add(agent)

    def calls(self, agent: str | None = None, method: str = "SendMessage") -> list[Call]:
        """Return the calls so far, of one agent or of all, in order of arrival."""
        return [call for call in list(self._calls) if agent in (None, call.agent) and call.method == method]

    def counts(self, agent: str | None = None) -> Counter[str]:
        """Count the calls by message id."""
        return Counter(call.message_id for call in self.calls(agent))

    @property
    def inbox_url(self) -> str:
        """Return an address that takes push notifications and keeps them in ``pushes``."""
        return self.url(_INBOX)

    @property
    def pushes(self) -> list[Call]:
        return list(self._pushes)

    def card_fetches(self, agent: str) -> int:
        """Count how often the agent's card was asked for."""
        return self._card_fetches[agent]

    def refused_methods(self, agent: str) -> list[str]:
        """Return the methods of 1.0 that an agent of 0.3 was asked for."""
        return list(self._refused[agent])

    @property
    def open_connections(self) -> int:
        return len(self._connections)

    def close_idle_connections(self) -> None:
        """Close, from our side, every connection that is not being answered on."""
        asyncio.run_coroutine_threadsafe(self._close_idle(), self._loop).result()

    async def _close_idle(self) -> None:
        for connection in list(self._connections):
            if connection.idle:
                connection.transport.close()

    def wait_for_calls(self, count: int, agent: str | None = None, *, timeout_seconds: float = 5.0) -> list[Call]:
        """Wait until so many messages have arrived and return them; fail when they do not come."""
        deadline = time.monotonic() + timeout_seconds
        while len(calls := self.calls(agent)) < count:
            assert time.monotonic() < deadline, f"{len(calls)} of {count} calls arrived"
            time.sleep(0.002)
        return calls

    def _serve(self, request: Request, connection: Connection) -> Awaitable[None] | None:
        path = request.path.partition("?")[0]
        if path.endswith(CARD_PATH):
            return self._serve_card(path.removesuffix(CARD_PATH).strip("/"), request, connection)
        call = Call(path.strip("/"), request.headers, request.body, id(connection))
        if call.agent == _INBOX:
            self._pushes.append(call)
            connection.respond(200, b"{}")
            return None
        if not call.is_rpc:
            connection.respond(400, b'{"error":"not JSON-RPC"}')
            return None
        if call.agent in self._legacy:
            return self._serve_legacy(call, connection)
        return self._serve_call(call, connection)

    def _serve_call(self, call: Call, connection: Connection) -> Awaitable[None] | None:
        self._calls.append(call)
        if call.method == "GetTask" and (steps := self._polls.get(call.agent)):
            return steps.pop(0).play(call, connection)
        if call.method == "CancelTask" and call.agent in self._hanging:
            return Hang().play(call, connection)
        if call.method != "SendMessage":
            self._serve_task(call, connection)
            return None
        step = self._next_step(call)
        if isinstance(step, Working):
            self._late.append(step)
        return step.play(call, connection)

    def _next_step(self, call: Call) -> Step:
        script = self._scripts.get(call.agent, self._default)
        if isinstance(script, list):
            position = self._positions[call.agent]
            self._positions[call.agent] += 1
            script = script[min(position, len(script) - 1)]
        return script(call) if callable(script) else script

    def _serve_task(self, call: Call, connection: Connection) -> None:
        tasks = next((late.tasks for late in self._late if call.task_id in late.tasks), None)
        if tasks is None:
            RpcError(-32001, "Task not found").play(call, connection)
            return
        task = tasks[call.task_id]
        if call.method == "CancelTask":
            if task["status"]["state"] != "TASK_STATE_WORKING":
                RpcError(-32002, "Task cannot be canceled").play(call, connection)
                return
            task["status"] = {"state": "TASK_STATE_CANCELED"}
        respond_with_result(call, connection, task)

    def _serve_legacy(self, call: Call, connection: Connection) -> Awaitable[None] | None:
        body = to_current_request(call.body)
        if body is None:
            self._refused[call.agent].append(call.method)
            RpcError(-32601, "Method not found").play(call, connection)
            return None
        current = Call(call.agent, call.headers, orjson.dumps(body), call.connection)
        return self._serve_call(current, cast("Connection", _LegacyConnection(connection)))

    def _serve_card(self, agent: str, request: Request, connection: Connection) -> Awaitable[None] | None:
        self._card_fetches[agent] += 1
        override = self._cards.get(agent, {})
        if override is None:
            connection.respond(404, b"{}")
        elif isinstance(override, dict):
            connection.respond(200, orjson.dumps(self._default_card(agent) | override))
        else:
            return override.play(Call(agent, request.headers, b"{}", id(connection)), connection)
        return None

    def _default_card(self, agent: str) -> dict[str, Any]:
        card = {
            "name": agent,
            "description": f"The scripted {agent}.",
            "version": "1.0.0",
            "capabilities": {"streaming": False, "pushNotifications": True},
            "defaultInputModes": ["text/plain", "application/json"],
            "defaultOutputModes": ["text/plain", "application/json"],
            "skills": [{"id": agent, "name": agent, "description": f"What a {agent} does.", "tags": [agent]}],
        }
        if agent in self._legacy:
            return card | {"protocolVersion": "0.3.0", "url": self.url(agent), "preferredTransport": "JSONRPC"}
        interface = {"url": self.url(agent), "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}
        return card | {"supportedInterfaces": [interface]}


class _LegacyConnection:
    """A connection that says each result in 0.3's words."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def respond(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        answer = orjson.loads(body)
        if "result" in answer:
            answer["result"] = to_legacy_result(answer["result"])
        self._connection.respond(status, orjson.dumps(answer), headers)
