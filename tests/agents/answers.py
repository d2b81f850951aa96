"""What an agent is asked, and the well-formed answers that it may give."""

import functools
import itertools
import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

import orjson

from tests.agents.connection import Connection

_ids = itertools.count(1)


@dataclass(frozen=True)
class Call:
    """One HTTP call of one agent, as it arrived."""

    agent: str
    headers: Mapping[str, str]
    raw: bytes
    connection: int = 0
    at: float = field(default_factory=time.monotonic)

    @functools.cached_property
    def body(self) -> dict[str, Any]:
        """Return the JSON-RPC request."""
        body: dict[str, Any] = orjson.loads(self.raw)
        return body

    @property
    def is_rpc(self) -> bool:
        try:
            body: object = orjson.loads(self.raw)
        except orjson.JSONDecodeError:
            return False
        return isinstance(body, dict) and isinstance(body.get("method"), str)

    @property
    def method(self) -> str:
        return str(self.body["method"])

    @property
    def params(self) -> dict[str, Any]:
        return dict(self.body.get("params") or {})

    @property
    def message(self) -> dict[str, Any]:
        return dict(self.params.get("message") or {})

    @property
    def message_id(self) -> str:
        return str(self.message.get("messageId", ""))

    @property
    def context_id(self) -> str:
        return str(self.message.get("contextId", ""))

    @property
    def task_id(self) -> str:
        """Return the agent's own task that is continued, polled or cancelled."""
        return str(self.message.get("taskId") or self.params.get("id") or "")

    @property
    def text(self) -> str:
        """Return the instruction."""
        return "\n".join(part["text"] for part in self.message.get("parts", ()) if "text" in part)

    @property
    def data(self) -> dict[str, Any]:
        """Return our extension's data part: task_id, path, candidates, inputs ..."""
        return next((part["data"] for part in self.message.get("parts", ()) if "data" in part), {})


class Step(Protocol):
    """One answer of a script; what it returns, if anything, is awaited before the connection's next request."""

    def play(self, call: Call, connection: Connection) -> Awaitable[None] | None: ...


class Scripted(Step, Protocol):
    """A step with an A2A result, which may also be given late."""

    def result(self, call: Call) -> dict[str, Any]: ...


def respond_with_result(call: Call, connection: Connection, result: object) -> None:
    """Send a JSON-RPC result for the call."""
    connection.respond(200, orjson.dumps({"jsonrpc": "2.0", "id": call.body.get("id"), "result": result}))


def task_of(call: Call, *, state: str, parts: list[dict[str, Any]], artifacts: bool = False) -> dict[str, Any]:
    """Build an A2A 1.0 Task whose status (or artifact) carries the parts."""
    status: dict[str, Any] = {"state": f"TASK_STATE_{state}"}
    task = {"id": call.task_id or f"remote-{next(_ids)}", "contextId": call.context_id, "status": status}
    if artifacts:
        return task | {"artifacts": [{"artifactId": str(uuid4()), "parts": parts}]}
    if parts:
        status["message"] = {"messageId": str(uuid4()), "role": "ROLE_AGENT", "parts": parts}
    return task


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer with these parts, as a Message or as a completed Task with an artifact."""

    text: str | None = None
    data: object = None
    as_task: bool = False

    def parts(self) -> list[dict[str, Any]]:
        text = [] if self.text is None else [{"text": self.text}]
        data = [] if self.data is None else [{"data": self.data, "mediaType": "application/json"}]
        return [*text, *data]

    def result(self, call: Call) -> dict[str, Any]:
        if self.as_task:
            return {"task": task_of(call, state="COMPLETED", parts=self.parts(), artifacts=True)}
        message = {"messageId": str(uuid4()), "contextId": call.context_id, "role": "ROLE_AGENT", "parts": self.parts()}
        return {"message": message}

    def play(self, call: Call, connection: Connection) -> None:
        respond_with_result(call, connection, self.result(call))


@dataclass(frozen=True, slots=True)
class _Outcome:
    """Answer with a Task in a state that is no result."""

    text: str
    state: str

    def result(self, call: Call) -> dict[str, Any]:
        return {"task": task_of(call, state=self.state, parts=[{"text": self.text}])}

    def play(self, call: Call, connection: Connection) -> None:
        respond_with_result(call, connection, self.result(call))


def Say(text: str, *, as_task: bool = False) -> Answer:  # noqa: N802  reads as a step
    """Answer in plain text, as an agent that knows nothing of decisions."""
    return Answer(text=text, as_task=as_task)


def Fail(text: str = "it went wrong") -> _Outcome:  # noqa: N802
    """Report the task failed."""
    return _Outcome(text, "FAILED")


def Reject(text: str = "not my work") -> _Outcome:  # noqa: N802
    """Reject the task."""
    return _Outcome(text, "REJECTED")


def NeedsInput(text: str, *, auth: bool = False) -> _Outcome:  # noqa: N802
    """Ask by A2A's own input-required (or auth-required) state instead of a decision."""
    return _Outcome(text, "AUTH_REQUIRED" if auth else "INPUT_REQUIRED")


def handle(result: object, **more: object) -> Answer:
    """Decide to handle the task; ``more`` adds or overrides fields of the decision (confidence, reason, usage ...)."""
    return Answer(data={"action": "handle", "result": result, **more})


def delegate(to: str, **more: object) -> Answer:
    """Decide to delegate the task to a colleague."""
    return Answer(data={"action": "delegate", "delegated_to": to, **more})


def parallel(*subtasks: tuple[str, str] | str, **more: object) -> Answer:
    """Decide to split the task; each subtask is an agent type, or a pair of agent type and instruction."""
    pairs = [(each, f"part of {each}") if isinstance(each, str) else each for each in subtasks]
    rows = [{"delegated_to": to, "instruction": instruction} for to, instruction in pairs]
    return Answer(data={"action": "parallel", "subtasks": rows, **more})


def ask(question: str, *options: str, **more: object) -> Answer:
    """Decide to ask the person."""
    return Answer(data={"action": "ask_clarification", "question": question, "options": list(options), **more})
