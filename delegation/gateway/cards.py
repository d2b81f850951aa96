"""Agent cards: what an agent says of itself, and by which of its interfaces it is spoken to."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from delegation.errors import InvalidAgentResponse
from security.errors import AddressRefused
from security.outbound import AddressPolicy

CARD_PATH = "/.well-known/agent-card.json"


class Binding(StrEnum):
    JSONRPC = "JSONRPC"
    HTTP_JSON = "HTTP+JSON"


class Protocol(StrEnum):
    V1_0 = "1.0"
    V0_3 = "0.3"


# In the order of preference: what the card offers first in this list is spoken.
_SPOKEN = ((Protocol.V1_0, Binding.JSONRPC), (Protocol.V1_0, Binding.HTTP_JSON), (Protocol.V0_3, Binding.JSONRPC))


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSkill:
    id: str
    name: str
    description: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentCard:
    """A card's facts, of A2A 1.0 or 0.3 alike; ``raw`` is the card itself, empty for an agent that has none."""

    name: str
    description: str
    version: str
    protocol_version: Protocol
    binding: Binding
    rpc_url: str
    tenant: str
    skills: tuple[AgentSkill, ...]
    supports_push: bool
    supports_streaming: bool
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Interface:
    protocol: Protocol
    binding: Binding
    url: str
    tenant: str


def card_url(url: str) -> str:
    """Return where the card of an agent with this base address stands."""
    return url.rstrip("/") + CARD_PATH


def assumed_card(url: str) -> AgentCard:
    """Return what is assumed of an agent without a card: JSON-RPC 1.0 at its base address."""
    return AgentCard(
        name="",
        description="",
        version="",
        protocol_version=Protocol.V1_0,
        binding=Binding.JSONRPC,
        rpc_url=url,
        tenant="",
        skills=(),
        supports_push=False,
        supports_streaming=False,
        raw={},
    )


def as_legacy(card: AgentCard) -> AgentCard:
    """Return the card of the same agent when it turns out to speak A2A 0.3."""
    return replace(card, protocol_version=Protocol.V0_3)


def card_of(raw: object, *, url: str, policy: AddressPolicy) -> AgentCard:
    """Read a card that was found beneath ``url``.

    Raises:
        InvalidAgentResponse: it is not a card, offers no interface that we speak, or would take us from https to http.
        AddressRefused: its interface is at an address that may not be called.
    """
    if not isinstance(raw, dict) or not isinstance(raw.get("name"), str):
        raise InvalidAgentResponse(internal="the agent card is not a card")
    spoken = _best_interface(raw)
    try:
        policy.check_url(spoken.url)
    except AddressRefused as refused:
        # What it refuses are the agent's own words.
        raise AddressRefused(internal=f"the card of {url} leads where no agent may live") from refused
    if url.lower().startswith("https:") and not spoken.url.lower().startswith("https:"):
        raise InvalidAgentResponse(internal=f"the card of {url} leads to an address that is not encrypted")
    capabilities = _mapping(raw.get("capabilities"))
    return AgentCard(
        name=raw["name"],
        description=_text(raw.get("description")),
        version=_text(raw.get("version")),
        protocol_version=spoken.protocol,
        binding=spoken.binding,
        rpc_url=spoken.url,
        tenant=spoken.tenant,
        skills=tuple(_skill_of(each) for each in _objects(raw, "skills")),
        supports_push=capabilities.get("pushNotifications") is True,
        supports_streaming=capabilities.get("streaming") is True,
        raw=raw,
    )


def _best_interface(raw: dict[str, Any]) -> _Interface:
    offered = {(each.protocol, each.binding): each for each in reversed(_interfaces(raw))}
    for kind in _SPOKEN:
        if kind in offered:
            return offered[kind]
    raise InvalidAgentResponse(internal="the agent card offers no interface that we speak")


def _interfaces(raw: dict[str, Any]) -> list[_Interface]:
    current = [
        (each, each.get("protocolBinding"), each.get("protocolVersion"))
        for each in _objects(raw, "supportedInterfaces")
    ]
    version = raw.get("protocolVersion")
    legacy = [(raw, raw.get("preferredTransport") or "JSONRPC", version)]
    legacy += [(each, each.get("transport"), version) for each in _objects(raw, "additionalInterfaces")]
    read = [_interface(*row) for row in (*current, *legacy)]
    return [each for each in read if each is not None]


def _objects(raw: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [each for each in _list(raw.get(name)) if isinstance(each, dict)]


def _interface(row: dict[str, Any], binding: object, version: object) -> _Interface | None:
    url = row.get("url")
    protocol = _protocol(version)
    if not isinstance(url, str) or not url or protocol is None or binding not in tuple(Binding):
        return None
    return _Interface(protocol, Binding(str(binding)), url, _text(row.get("tenant")))


def _protocol(version: object) -> Protocol | None:
    """Read a version by its major and minor part; a later minor of 1 is spoken to as 1.0."""
    major, _, rest = str(version or "1.0").partition(".")
    if major == "1":
        return Protocol.V1_0
    return Protocol.V0_3 if (major, rest.partition(".")[0]) in (("0", "2"), ("0", "3")) else None


def _skill_of(row: dict[str, Any]) -> AgentSkill:
    tags = tuple(tag for tag in _list(row.get("tags")) if isinstance(tag, str))
    return AgentSkill(
        id=_text(row.get("id")), name=_text(row.get("name")), description=_text(row.get("description")), tags=tags
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
