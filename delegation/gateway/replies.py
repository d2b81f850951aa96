"""What comes back, read leniently: the parts and states of A2A 1.0 and 0.3 differ in spelling alone."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from delegation.errors import AgentFailed, AgentUnavailable, InvalidAgentResponse
from delegation.gateway.calls import AgentReply, ReplyState
from delegation.gateway.cards import AgentCard, Binding
from delegation.gateway.http_connection import HttpResponse
from delegation.gateway.parsing import json_of
from delegation.gateway.transient import Transient
from delegation.gateway.waits import retry_after_seconds

_TRANSIENT = frozenset({429, 502, 503, 504})
_MAX_ID_CHARACTERS = 512
_STATES = {
    "submitted": ReplyState.WORKING,
    "working": ReplyState.WORKING,
    "completed": ReplyState.COMPLETED,
    "input-required": ReplyState.INPUT_REQUIRED,
    "auth-required": ReplyState.INPUT_REQUIRED,
}
_FAILURES = frozenset({"failed", "rejected", "canceled"})
# JSON-RPC's and A2A's codes for "what you said makes no sense here"; every other code is the agent's own trouble.
_METHOD_NOT_FOUND = -32601
_VERSION_NOT_SUPPORTED = -32009
_INVALID_PARAMS = -32602
_PUSH_NOT_SUPPORTED = -32003
_MISUNDERSTOOD = frozenset({-32700, -32600, _METHOD_NOT_FOUND, _INVALID_PARAMS, _VERSION_NOT_SUPPORTED})


class DialectRefused(InvalidAgentResponse):
    """The agent knows no such method, or not in this version of the protocol."""


class ParamsRefused(InvalidAgentResponse):
    """The agent does not take what was sent; it may be no more than the address to push to."""


class PushRefused(AgentFailed):
    """The agent does not push, or the request as a whole is bad to it."""


def check_status(response: HttpResponse) -> None:
    """Raise what a status other than 2xx means.

    Raises:
        Transient: 429, 502, 503, 504; with the seconds of Retry-After.
        AgentUnavailable: any other 5xx.
        AgentFailed: 3xx, which is not followed, and 4xx.
    """
    status = response.status
    if 200 <= status < 300:
        return
    told, said = f"HTTP {status}", response.body
    if status in _TRANSIENT:
        wait = retry_after_seconds(response.headers.get("retry-after"))
        raise Transient(internal=told, retry_after_seconds=wait).quoting(said)
    if status >= 500:
        raise AgentUnavailable(internal=told).quoting(said)
    if status == 400:
        raise PushRefused(internal=told).quoting(said)
    if status < 400:
        raise AgentFailed(internal=f"{told}: not followed").quoting(unquote(response.headers.get("location", "")))
    raise AgentFailed(internal=told).quoting(said)


def reply_of(response: HttpResponse, card: AgentCard) -> AgentReply:
    """Read the answer to a message, or the task that was asked for.

    Raises:
        AgentFailed: the agent reports that it failed, rejected or cancelled the task, or an error of its own.
        InvalidAgentResponse: it is not A2A.
        DialectRefused: the agent does not know the method or the protocol's version.
    """
    body = json_of(response.body)
    result = body if card.binding is Binding.HTTP_JSON else _rpc_result(body)
    if not isinstance(result, dict):
        raise InvalidAgentResponse(internal=f"the result is {type(result).__name__}, not an object")
    if isinstance(result.get("task"), dict):
        return _from_task(result["task"])
    if isinstance(result.get("message"), dict):
        return _from_message(result["message"])
    if isinstance(result.get("status"), dict):
        return _from_task(result)
    if isinstance(result.get("parts"), list):
        return _from_message(result)
    raise InvalidAgentResponse(internal="neither a message nor a task").quoting(response.body)


def _rpc_result(body: Any) -> Any:
    if not isinstance(body, dict):
        raise InvalidAgentResponse(internal=f"the response is {type(body).__name__}, not an object")
    error = body.get("error")
    if error is not None:
        _raise_rpc_error(error)
    return body.get("result")


def _raise_rpc_error(error: object) -> None:
    code = error.get("code") if isinstance(error, dict) else None
    told, said = f"JSON-RPC error {code}" if isinstance(code, int) else "a JSON-RPC error without a code", str(error)
    if code in (_METHOD_NOT_FOUND, _VERSION_NOT_SUPPORTED):
        raise DialectRefused(internal=told).quoting(said)
    if code == _INVALID_PARAMS:
        raise ParamsRefused(internal=told).quoting(said)
    if code == _PUSH_NOT_SUPPORTED:
        raise PushRefused(internal=told).quoting(said)
    if not isinstance(code, int) or code in _MISUNDERSTOOD:
        raise InvalidAgentResponse(internal=told).quoting(said)
    raise AgentFailed(internal=told).quoting(said)


@dataclass(slots=True)
class _Content:
    """What the parts of a message or an artifact hold."""

    texts: list[str] = field(default_factory=list)
    data: list[object] = field(default_factory=list)
    files: list[dict[str, str]] = field(default_factory=list)

    def read(self, parts: object) -> None:
        """Sort the parts by what they hold."""
        if parts is None:
            return
        if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
            raise InvalidAgentResponse(internal="parts are not a list of objects")
        for part in parts:
            if "text" in part:
                if not isinstance(part["text"], str):
                    raise InvalidAgentResponse(internal="a text part without text")
                self.texts.append(part["text"])
            elif "data" in part:
                self.data.append(part["data"])
            elif file := _file(part):
                self.files.append(file)


def _file(part: dict[str, Any]) -> dict[str, str]:
    """Return {name, media_type, url, bytes}, whatever of it the part has, in the spelling of either version."""
    given = part["file"] if isinstance(part.get("file"), dict) else part
    spellings = {
        "name": ("filename", "name"),
        "media_type": ("mediaType", "mimeType"),
        "url": ("url", "uri"),
        "bytes": ("raw", "bytes"),
    }
    found = {key: next((given[name] for name in names if given.get(name)), None) for key, names in spellings.items()}
    file = {key: value for key, value in found.items() if isinstance(value, str)}
    return file if "url" in file or "bytes" in file else {}


def _from_message(message: dict[str, Any]) -> AgentReply:
    content = _Content()
    content.read(message.get("parts"))
    return AgentReply(
        state=ReplyState.COMPLETED,
        text="\n".join(content.texts),
        data=tuple(content.data),
        files=tuple(content.files),
        remote_task_id=_id(message.get("taskId")),
        context_id=_id(message.get("contextId")),
    )


def _from_task(task: dict[str, Any]) -> AgentReply:
    status = task.get("status")
    if not isinstance(status, dict):
        raise InvalidAgentResponse(internal="a task without a status")
    said, made = _Content(), _Content()
    message = status.get("message")
    said.read(message.get("parts") if isinstance(message, dict) else None)
    artifacts = task.get("artifacts")
    for artifact in artifacts if isinstance(artifacts, list) else ():
        made.read(artifact.get("parts") if isinstance(artifact, dict) else None)
    state = _state(status.get("state"), said.texts or made.texts)
    texts = said.texts if state is ReplyState.INPUT_REQUIRED and said.texts else made.texts + said.texts
    return AgentReply(
        state=state,
        text="\n".join(texts),
        data=tuple(made.data + said.data),
        files=tuple(made.files + said.files),
        remote_task_id=_id(task.get("id")),
        context_id=_id(task.get("contextId")),
    )


def _state(state: object, texts: list[str]) -> ReplyState:
    told = str(state).removeprefix("TASK_STATE_")
    name = told.lower().replace("_", "-")
    if name in _FAILURES:
        raise AgentFailed(internal=f"the agent's task {name}").quoting("\n".join(texts))
    if name not in _STATES:
        raise InvalidAgentResponse(internal="a task in an unknown state").quoting(told)
    return _STATES[name]


def _id(value: object) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > _MAX_ID_CHARACTERS:
        raise InvalidAgentResponse(internal=f"an id is not a string of at most {_MAX_ID_CHARACTERS} characters")
    return value
