"""The gateway under test, driven from plain functions."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from delegation.gateway import AgentCall, AgentReply, Gateway
from security.outbound import AddressPolicy

T = TypeVar("T")
LOOPBACK = AddressPolicy(allowed_hosts=("127.0.0.1",))


def call_to(url: str, **more: Any) -> AgentCall:
    """Build a call with the usual fields."""
    fields: dict[str, Any] = {
        "url": url,
        "message_id": "message-1",
        "context_id": "task-1",
        "customer_id": "acmecorp",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "instruction": "Write a slogan",
        "context": {"task_id": "task-1", "candidates": []},
        "timeout_seconds": 10.0,
    }
    return AgentCall(**fields | more)


def in_gateway(story: Callable[[Gateway], Awaitable[T]], **options: Any) -> T:
    """Run a story with a gateway of its own."""

    async def run() -> T:
        async with Gateway(**{"policy": LOOPBACK} | options) as gateway:
            return await story(gateway)

    return asyncio.run(run())


def replied(url: str, **more: Any) -> AgentReply:
    """Return what the agent replies to one call."""
    return in_gateway(lambda gateway: gateway.call(call_to(url, **more)))
