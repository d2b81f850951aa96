"""What is sent, in the words of A2A 1.0 (JSON-RPC, HTTP+JSON) and 0.3 (JSON-RPC).

Wire forms: a2a.proto of the specification 1.0, and the types of 0.3.0.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson

from delegation.gateway.calls import EXTENSION_URI, AgentCall, PushTarget
from delegation.gateway.cards import AgentCard, Binding, Protocol

_OUTPUT_MODES = ["text/plain", "application/json"]
_JSON = "application/json"


class Operation(StrEnum):
    """What is asked of an agent, by its JSON-RPC method of 1.0."""

    SEND = "SendMessage"
    GET = "GetTask"
    CANCEL = "CancelTask"


_LEGACY_METHODS = {Operation.SEND: "message/send", Operation.GET: "tasks/get", Operation.CANCEL: "tasks/cancel"}


class HttpRequest(NamedTuple):
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


class Prepared:
    """The request of a message to the agent of this card, with a token for its first sending: a token is good once."""

    __slots__ = ("_token", "card", "request")

    def __init__(self, card: AgentCard, request: HttpRequest, token: Mapping[str, str]) -> None:
        self.card = card
        self.request = request
        self._token: Mapping[str, str] | None = token

    def take_token(self) -> Mapping[str, str] | None:
        """Return the token's header, the first time."""
        token, self._token = self._token, None
        return token


def request_of(
    operation: Operation, call: AgentCall, card: AgentCard, *, push: PushTarget | None = None
) -> HttpRequest:
    """Write the request for an operation as the agent's card asks for it; ``push`` goes with a message alone."""
    headers = _headers(call, card)
    params = _send_params(call, card, push) if operation is Operation.SEND else _task_params(operation, call, card)
    if card.binding is Binding.HTTP_JSON:
        return _rest_request(operation, call, card, headers, params)
    method = _LEGACY_METHODS[operation] if card.protocol_version is Protocol.V0_3 else operation.value
    body = {"jsonrpc": "2.0", "id": call.message_id, "method": method, "params": params}
    return HttpRequest("POST", card.rpc_url, headers, orjson.dumps(body))


def _rest_request(
    operation: Operation, call: AgentCall, card: AgentCard, headers: dict[str, str], params: dict[str, Any]
) -> HttpRequest:
    base = card.rpc_url.rstrip("/") + (f"/{quote(card.tenant, safe='')}" if card.tenant else "")
    task = f"{base}/tasks/{quote(call.remote_task_id or '', safe='')}"
    if operation is Operation.SEND:
        return HttpRequest("POST", f"{base}/message:send", headers, orjson.dumps(params))
    if operation is Operation.GET:
        return HttpRequest("GET", f"{task}?historyLength=0", headers, b"")
    return HttpRequest("POST", f"{task}:cancel", headers, b"{}")


def _headers(call: AgentCall, card: AgentCard) -> dict[str, str]:
    headers = {
        "content-type": _JSON,
        "accept": _JSON,
        "accept-encoding": "identity",
        "a2a-version": card.protocol_version.value,
        "a2a-extensions": EXTENSION_URI,
        "x-customer-id": call.customer_id,
        "traceparent": call.traceparent,
    }
    if card.protocol_version is Protocol.V0_3:
        headers["x-a2a-extensions"] = EXTENSION_URI
    return headers


def _send_params(call: AgentCall, card: AgentCard, push: PushTarget | None) -> dict[str, Any]:
    legacy = card.protocol_version is Protocol.V0_3
    message = {
        "messageId": call.message_id,
        "contextId": call.context_id,
        "role": "user" if legacy else "ROLE_USER",
        "parts": _legacy_parts(call) if legacy else _parts(call),
        "extensions": [EXTENSION_URI],
    }
    if call.remote_task_id is not None:
        message["taskId"] = call.remote_task_id
    if legacy:
        return {"message": message | {"kind": "message"}, "configuration": _legacy_configuration(call, push)}
    params = {"message": message, "configuration": _configuration(call, push)}
    return params | {"tenant": card.tenant} if card.tenant else params


def _parts(call: AgentCall) -> list[dict[str, Any]]:
    data = {"data": call.context, "metadata": {"extension": EXTENSION_URI}, "mediaType": _JSON}
    return [{"text": call.instruction, "mediaType": "text/plain"}, data]


def _legacy_parts(call: AgentCall) -> list[dict[str, Any]]:
    data = {"kind": "data", "data": call.context, "metadata": {"extension": EXTENSION_URI}}
    return [{"kind": "text", "text": call.instruction}, data]


def _configuration(call: AgentCall, push: PushTarget | None) -> dict[str, Any]:
    configuration = {
        "acceptedOutputModes": _OUTPUT_MODES,
        "historyLength": 0,
        "returnImmediately": call.return_immediately,
    }
    if push is None:
        return configuration
    # Some agents show the token in a header of its own, others as they are told to authenticate.
    target = {"url": push.url, "token": push.token, "authentication": {"scheme": "Bearer", "credentials": push.token}}
    return configuration | {"taskPushNotificationConfig": target}


def _legacy_configuration(call: AgentCall, push: PushTarget | None) -> dict[str, Any]:
    configuration = {
        "acceptedOutputModes": _OUTPUT_MODES,
        "historyLength": 0,
        "blocking": not call.return_immediately,
    }
    if push is None:
        return configuration
    authentication = {"schemes": ["Bearer"], "credentials": push.token}
    target = {"url": push.url, "token": push.token, "authentication": authentication}
    return configuration | {"pushNotificationConfig": target}


def _task_params(operation: Operation, call: AgentCall, card: AgentCard) -> dict[str, Any]:
    params: dict[str, Any] = {"id": call.remote_task_id}
    if operation is Operation.GET:
        params["historyLength"] = 0
    return params | {"tenant": card.tenant} if card.tenant else params
