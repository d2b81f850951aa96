"""A2A calls to agents over HTTP: everything comes in by argument, every failure is one of the catalogue."""

from delegation.gateway.calls import EXTENSION_URI, AgentCall, AgentReply, CardRequest, PushTarget, ReplyState
from delegation.gateway.cards import AgentCard, AgentSkill, Binding, Protocol
from delegation.gateway.client import Gateway

__all__ = [
    "EXTENSION_URI",
    "AgentCall",
    "AgentCard",
    "AgentReply",
    "AgentSkill",
    "Binding",
    "CardRequest",
    "Gateway",
    "Protocol",
    "PushTarget",
    "ReplyState",
]
