"""A customer's agents as the loop knows them: read again after a moment, so that a change is seen soon."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from uuid import UUID

import orjson

from delegation.models import Agent, Approval, ApprovalRules
from delegation.policy.approval import Rules
from delegation.policy.verdict import Colleague
from delegation.services.credentials import credential_of
from delegation.states import QuestionStatus
from security.identity import AgentCredential, BrokenCredential
from security.limiting import Terms, read_terms
from security.limits import Hit, Spend


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRecord(Colleague):
    """A colleague with what it takes to call it. ``timeout_seconds`` None: the platform's limit."""

    id: UUID
    ve_id: str
    endpoint_url: str
    timeout_seconds: float | None
    max_concurrency: int | None = None
    circuit_open_until: datetime | None = None
    credential: AgentCredential | BrokenCredential | None = None
    calls_per_hour: int | None = None
    """The customer's own limit, which holds where it is lower than the platform's."""
    expected: Spend | None = None
    """What a call takes of a budget beforehand; None: what its calls took of late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """A customer's agents by type, its rules for approvals, and who has been allowed to delegate to whom before.

    ``shown`` keeps what an agent was shown of its colleagues, as JSON: many hops stand at the same place of a path.
    """

    agents: Mapping[str, AgentRecord]
    rules: Rules = field(default_factory=Rules)
    used_pairs: frozenset[tuple[str, str]] = frozenset()
    shown: dict[tuple[int, tuple[str, ...]], orjson.Fragment] = field(default_factory=dict, compare=False)
    terms: Terms
    _hits: dict[tuple[str, ...], Hit] = field(default_factory=dict, compare=False, repr=False)

    def call(self, agent_type: str) -> Hit:
        """Return what a call of the agent counts."""
        hit = self._hits.get((agent_type,))
        if hit is None:
            agent = self.agents[agent_type]
            hit = self.terms.table.agent_calls(customer_id=agent.customer_id, agent=agent_type)
            if agent.calls_per_hour is not None and agent.calls_per_hour < hit.quota.allowed:
                hit = replace(hit, quota=replace(hit.quota, allowed=agent.calls_per_hour))
            self._hits[(agent_type,)] = hit
        return hit

    def delegation(self, agent_from: str, agent_to: str) -> Hit:
        """Return what a delegation from one agent to another counts."""
        hit = self._hits.get((agent_from, agent_to))
        if hit is None:
            customer_id = self.agents[agent_to].customer_id
            hit = self.terms.table.delegation_pair(customer_id=customer_id, agent_from=agent_from, agent_to=agent_to)
            self._hits[agent_from, agent_to] = hit
        return hit


def read_roster(customer_id: str) -> Roster:
    """Return what the loop needs to know of the customer."""
    agents = {agent.agent_type: _record(agent) for agent in Agent.objects.of_customer(customer_id)}
    terms = read_terms(customer_id)
    rules = ApprovalRules.objects.filter(customer_id=customer_id).first()
    if rules is None:
        return Roster(agents=agents, terms=terms)
    # Only customers that ask about a pair's first use pay for the question.
    approved = Approval.objects.of_customer(customer_id).filter(status=QuestionStatus.APPROVED)
    pairs = approved.order_by().values_list("agent_from", "agent_to").distinct() if rules.first_use else ()
    return Roster(agents=agents, rules=_rules(rules), used_pairs=frozenset(pairs), terms=terms)


def _rules(row: ApprovalRules) -> Rules:
    return Rules(**{each.name: getattr(row, each.name) for each in fields(Rules)})


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
        id=agent.id,
        ve_id=agent.ve_id,
        endpoint_url=agent.endpoint_url,
        timeout_seconds=agent.timeout_seconds,
        max_concurrency=agent.max_concurrency,
        circuit_open_until=agent.circuit_open_until,
        credential=credential_of(agent),
        calls_per_hour=agent.calls_per_hour,
        expected=_expected(agent),
    )


def _expected(agent: Agent) -> Spend | None:
    if agent.expected_tokens is None and agent.expected_cost_usd is None:
        return None
    return Spend.of_call(tokens=agent.expected_tokens or 0, cost_usd=agent.expected_cost_usd or 0)


class Rosters:
    """The rosters of the customers at work, each at most ``ttl_seconds`` old."""

    def __init__(self, *, read: Callable[[str], Awaitable[Roster]], ttl_seconds: float) -> None:
        self._read = read
        self._ttl_seconds = ttl_seconds
        self._kept: dict[str, tuple[float, Roster]] = {}
        self._reading: dict[str, asyncio.Task[Roster]] = {}

    async def of(self, customer_id: str) -> Roster:
        """Return what is known of the customer."""
        kept = self._kept.get(customer_id)
        # A pair that was approved a moment ago must not be asked about again.
        if kept is not None and time.monotonic() - kept[0] <= self._ttl_seconds and not kept[1].rules.first_use:
            return kept[1]
        if customer_id not in self._reading:
            self._reading[customer_id] = asyncio.ensure_future(self._read_again(customer_id))
        return await asyncio.shield(self._reading[customer_id])

    async def _read_again(self, customer_id: str) -> Roster:
        """Read once for all hops that ask at the same moment."""
        try:
            read_at, roster = time.monotonic(), await self._read(customer_id)
            self._kept[customer_id] = (read_at, roster)
            return roster
        finally:
            del self._reading[customer_id]
