"""What the loop hands to the gateway, and what it gets back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from security.identity import AgentCredential, BrokenCredential, CallIdentity

if TYPE_CHECKING:
    from delegation.gateway.requests import Prepared

EXTENSION_URI = "https://a2a-delegation.dev/extensions/delegation/v1"


class ReplyState(StrEnum):
    COMPLETED = "completed"
    WORKING = "working"
    INPUT_REQUIRED = "input_required"


@dataclass(frozen=True, slots=True, kw_only=True)
class PushTarget:
    """Where an agent pushes how long work stands, and the token that it shows there."""

    url: str
    token: str


class AgentCall(NamedTuple):
    """One message to one agent.

    ``url`` is the agent's base address, ``message_id`` the idempotency key that every retry repeats, ``context_id`` our
    task's id (or, with ``remote_task_id``, the context that the agent named), ``context`` the data part under
    ``EXTENSION_URI``. ``identity`` is what our token says of each sending, ``credential`` the agent's own.
    ``timeout_seconds`` covers everything: the card, waiting for a connection, retries, the body's last byte.

    ``push`` is asked for a target where the agent's card says that it can push. With ``return_immediately`` an agent
    that works with A2A tasks answers `working` at once instead of holding the call until it is done. What fails in
    passing is tried ``max_tries`` times, quickly. ``prepared`` is what ``Gateway.prepared`` has made of it ahead.
    """

    url: str
    message_id: str
    context_id: str
    customer_id: str
    traceparent: str
    instruction: str
    context: Mapping[str, object]
    timeout_seconds: float = 60.0
    identity: CallIdentity | None = None
    credential: AgentCredential | BrokenCredential | None = None
    remote_task_id: str | None = None
    push: Callable[[], PushTarget] | None = None
    return_immediately: bool = False
    max_tries: int = 3
    prepared: "Prepared | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRequest:
    """A look at the card of the agent at this base address. Without a customer it is anybody's."""

    url: str
    customer_id: str = ""
    identity: CallIdentity | None = None
    credential: AgentCredential | BrokenCredential | None = None


class AgentReply(NamedTuple):
    """An agent's answer in words that PostgreSQL can store: no NUL, no lone surrogate.

    ``text`` joins all text parts by newlines, artifacts first, then the message; in ``input_required`` it is the
    question. ``data`` holds all data parts in order, ``files`` all files: {name, media_type, url or bytes (base64)}.
    ``will_push``: the agent was told where to push how it goes on.
    """

    state: ReplyState
    text: str
    data: tuple[object, ...]
    remote_task_id: str | None
    context_id: str | None
    will_push: bool = False
    files: tuple[dict[str, str], ...] = ()
