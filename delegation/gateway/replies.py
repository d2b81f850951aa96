"""What comes back, read leniently: the parts and states of A2A 1.0 and 0.3 differ in spelling alone."""

from typing import Any

from delegation.errors import AgentFailed, AgentUnavailable, InvalidAgentResponse
from delegation.gateway.calls import AgentReply, ReplyState
from delegation.gateway.cards import AgentCard, Binding
from delegation.gateway.http_connection import HttpResponse
from delegation.gateway.parsing import json_of
from delegation.gateway.transient import Transient
from delegation.gateway.waits import retry_after_seconds

_TRANSIENT = frozenset({429, 502, 503, 504})
_MAX_ID_CHARACTERS = 512
_SHOWN_CHARACTERS = 500
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
    told = f"HTTP {status}: {response.body[:_SHOWN_CHARACTERS]!r}"
    if status in _TRANSIENT:
        wait = retry_after_seconds(response.headers.get("retry-after"))
        raise Transient(internal=told, retry_after_seconds=wait)
    if status >= 500:
        raise AgentUnavailable(internal=told)
    if status == 400:
        raise PushRefused(internal=told)
    if status < 400:
        raise AgentFailed(internal=f"{told}, to {response.headers.get('location', '')!r}: not followed")
    raise AgentFailed(internal=told)


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
    raise InvalidAgentResponse(internal=f"neither a message nor a task: {str(sorted(result))[:_SHOWN_CHARACTERS]}")


def _rpc_result(body: Any) -> Any:
    if not isinstance(body, dict):
        raise InvalidAgentResponse(internal=f"the response is {type(body).__name__}, not an object")
    error = body.get("error")
    if error is not None:
        _raise_rpc_error(error)
    return body.get("result")


def _raise_rpc_error(error: object) -> None:
    code = error.get("code") if isinstance(error, dict) else None
    told = f"JSON-RPC error {str(error)[:_SHOWN_CHARACTERS]}"
    if code in (_METHOD_NOT_FOUND, _VERSION_NOT_SUPPORTED):
        raise DialectRefused(internal=told)
    if code == _INVALID_PARAMS:
        raise ParamsRefused(internal=told)
    if code == _PUSH_NOT_SUPPORTED:
        raise PushRefused(internal=told)
    if not isinstance(code, int) or code in _MISUNDERSTOOD:
        raise InvalidAgentResponse(internal=told)
    raise AgentFailed(internal=told)


def _from_message(message: dict[str, Any]) -> AgentReply:
    texts, data = _read_parts(message.get("parts"))
    return AgentReply(
        state=ReplyState.COMPLETED,
        text="\n".join(texts),
        data=tuple(data),
        remote_task_id=_id(message.get("taskId")),
        context_id=_id(message.get("contextId")),
    )


def _from_task(task: dict[str, Any]) -> AgentReply:
    status = task.get("status")
    if not isinstance(status, dict):
        raise InvalidAgentResponse(internal="a task without a status")
    message = status.get("message")
    said, data = _read_parts(message.get("parts")) if isinstance(message, dict) else ([], [])
    made, made_data = _read_artifacts(task.get("artifacts"))
    state = _state(status.get("state"), said or made)
    texts = said if state is ReplyState.INPUT_REQUIRED and said else made + said
    return AgentReply(
        state=state,
        text="\n".join(texts),
        data=tuple(made_data + data),
        remote_task_id=_id(task.get("id")),
        context_id=_id(task.get("contextId")),
    )


def _state(state: object, texts: list[str]) -> ReplyState:
    name = str(state).removeprefix("TASK_STATE_").lower().replace("_", "-")
    if name in _FAILURES:
        raise AgentFailed(internal=f"{name}: {' '.join(texts) or 'no reason given'}")
    if name not in _STATES:
        raise InvalidAgentResponse(internal=f"a task in the unknown state {name[:_SHOWN_CHARACTERS]!r}")
    return _STATES[name]


def _read_artifacts(artifacts: object) -> tuple[list[str], list[object]]:
    texts: list[str] = []
    data: list[object] = []
    for artifact in artifacts if isinstance(artifacts, list) else ():
        more_texts, more_data = _read_parts(artifact.get("parts") if isinstance(artifact, dict) else None)
        texts += more_texts
        data += more_data
    return texts, data


def _read_parts(parts: object) -> tuple[list[str], list[object]]:
    """Sort the parts into texts and data; files, which have neither, are left out."""
    if parts is None:
        return [], []
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise InvalidAgentResponse(internal="parts are not a list of objects")
    texts = [part["text"] for part in parts if "text" in part]
    if not all(isinstance(text, str) for text in texts):
        raise InvalidAgentResponse(internal="a text part without text")
    return texts, [part["data"] for part in parts if "data" in part]


def _id(value: object) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > _MAX_ID_CHARACTERS:
        raise InvalidAgentResponse(internal=f"an id is not a string of at most {_MAX_ID_CHARACTERS} characters")
    return value
