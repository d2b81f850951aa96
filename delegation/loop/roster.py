"""A customer's agents as the loop knows them: read again after a moment, so that a change is seen soon."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from delegation.models import Agent
from delegation.policy.verdict import Colleague

Roster = Mapping[str, "AgentRecord"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRecord(Colleague):
    """A colleague with what it takes to call it. ``timeout_seconds`` None: the platform's limit."""

    ve_id: str
    endpoint_url: str
    timeout_seconds: float | None


def read_roster(customer_id: str) -> Roster:
    """Return the customer's agents by type."""
    return {agent.agent_type: _record(agent) for agent in Agent.objects.of_customer(customer_id)}


def _record(agent: Agent) -> AgentRecord:
    return AgentRecord(
        customer_id=agent.customer_id,
        agent_type=agent.agent_type,
        seniority=agent.seniority,
        enabled=agent.enabled,
        name=agent.name,
        skills=tuple(agent.skills),
        description=agent.description,
        requires_approval=agent.requires_approval,
        ve_id=agent.ve_id,
        endpoint_url=agent.endpoint_url,
        timeout_seconds=agent.timeout_seconds,
    )


class Rosters:
    """The rosters of the customers at work, each at most ``ttl_seconds`` old."""

    def __init__(self, *, read: Callable[[str], Awaitable[Roster]], ttl_seconds: float) -> None:
        self._read = read
        self._ttl_seconds = ttl_seconds
        self._kept: dict[str, tuple[float, Roster]] = {}

    async def of(self, customer_id: str) -> Roster:
        """Return the customer's agents by type."""
        read_at, roster = self._kept.get(customer_id, (float("-inf"), {}))
        if time.monotonic() - read_at > self._ttl_seconds:
            read_at, roster = time.monotonic(), await self._read(customer_id)
            self._kept[customer_id] = (read_at, roster)
        return roster
