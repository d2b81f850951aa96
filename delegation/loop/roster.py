"""A customer's agents as the loop knows them: read again after a moment, so that a change is seen soon."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from delegation.models import Agent, AgentGrant, Approval, ApprovalRules, DelegationRule
from delegation.policy.approval import Rules
from delegation.policy.verdict import Colleague
from delegation.services.credentials import credential_of
from delegation.states import QuestionStatus
from security.authorisation import PairRulings, Ruling, may_give_work, may_invoke
from security.identity import AgentCredential, BrokenCredential
from security.leak_rules import LeakRules, read_leak_rules
from security.limiting import Terms, read_terms
from security.limits import Hit, Spend
from security.models import Membership
from security.rows import customer_rows


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


# Depth, path, and the reach of the task's person.
Place = tuple[int, tuple[str, ...], frozenset[str] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """A customer's agents by type, its rules for approvals, leaks and pairs, and its people with what they may.

    ``used_pairs`` tells who has been allowed to delegate to whom before, ``roles`` and ``grants`` (agent types that may
    be invoked) are by person. ``shown`` keeps what an agent was shown of its colleagues, as JSON: many hops stand at
    the same place of a path, for people of the same reach.
    """

    agents: Mapping[str, AgentRecord]
    rules: Rules = field(default_factory=Rules)
    leaks: LeakRules = field(default_factory=LeakRules)
    used_pairs: frozenset[tuple[str, str]] = frozenset()
    shown: dict[Place, orjson.Fragment] = field(default_factory=dict, compare=False)
    rulings: PairRulings = field(default_factory=dict)
    roles: Mapping[int, str] = field(default_factory=dict)
    grants: Mapping[int, frozenset[str]] = field(default_factory=dict)
    _reaches: dict[int, frozenset[str]] = field(default_factory=dict, compare=False)
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

    def reach_of(self, user_id: int | None) -> frozenset[str] | None:
        """Return the agents that may work for the person; of one who has left: none. No person (None): all.

        The same person has the same object for as long as this roster lives.
        """
        if user_id is None:
            return None
        if user_id not in self._reaches:
            self._reaches[user_id] = self._reach(user_id)
        return self._reaches[user_id]

    def call_ruling(self, agent_type: str, *, path: Sequence[str], user_id: int | None) -> Ruling:
        """Rule whether the agent may be called now, for the person, by the agents on the path above it."""
        agent = self.agents.get(agent_type)
        if agent is None:
            return Ruling(authorized=False, reason="no such agent here")
        ruling = may_invoke(customer_id=agent.customer_id, target=agent, reach=self.reach_of(user_id))
        if ruling.authorized and self.rulings:
            # What was delegated may have waited for people for a day, and the pair been denied meanwhile.
            pairs = (self.rulings.get((ancestor, agent_type)) for ancestor in path[:-1])
            return next((pair for pair in pairs if pair is not None and not pair.authorized), ruling)
        return ruling

    def _reach(self, user_id: int) -> frozenset[str]:
        role = self.roles.get(user_id)
        if role is None:
            return frozenset()
        granted = self.grants.get(user_id, frozenset())
        reached = (
            kind
            for kind, agent in self.agents.items()
            if may_give_work(role=role, granted=kind in granted, target=agent).authorized
        )
        return frozenset(reached)


def read_roster(customer_id: str) -> Roster:
    """Return what the loop needs to know of the customer."""
    with customer_rows(customer_id):
        return _roster(customer_id)


def _roster(customer_id: str) -> Roster:
    agents = {agent.agent_type: _record(agent) for agent in Agent.objects.of_customer(customer_id)}
    rights: dict[str, Any] = {
        "terms": read_terms(customer_id),
        "leaks": read_leak_rules(customer_id, now=datetime.now(UTC)),
        "rulings": _rulings(customer_id),
        "roles": dict(Membership.objects.active().filter(customer_id=customer_id).values_list("user_id", "role")),
        "grants": _grants(customer_id),
    }
    rules = ApprovalRules.objects.filter(customer_id=customer_id).first()
    if rules is None:
        return Roster(agents=agents, **rights)
    # Only customers that ask about a pair's first use pay for the question.
    approved = Approval.objects.of_customer(customer_id).filter(status=QuestionStatus.APPROVED)
    pairs = approved.order_by().values_list("agent_from", "agent_to").distinct() if rules.first_use else ()
    return Roster(agents=agents, rules=_rules(rules), used_pairs=frozenset(pairs), **rights)


def _rulings(customer_id: str) -> PairRulings:
    """Return what the customer's rules say of single pairs. Of two for one pair the one that denies stands last."""
    rows = DelegationRule.objects.of_customer(customer_id).order_by("effect")
    named = rows.values_list("agent_from__agent_type", "agent_to__agent_type", "effect", "id", "reason")
    return {
        (source, target): Ruling(
            authorized=effect == DelegationRule.Effect.ALLOW, reason=f"{effect} rule {rule_id}: {reason}"
        )
        for source, target, effect, rule_id, reason in named
    }


def _grants(customer_id: str) -> dict[int, frozenset[str]]:
    rows = AgentGrant.objects.filter(content_object__customer_id=customer_id, permission__codename="invoke_agent")
    granted: dict[int, set[str]] = {}
    for user_id, agent_type in rows.order_by().values_list("user_id", "content_object__agent_type"):
        granted.setdefault(user_id, set()).add(agent_type)
    return {user_id: frozenset(agent_types) for user_id, agent_types in granted.items()}


def _rules(row: ApprovalRules) -> Rules:
    return Rules(**{each.name: getattr(row, each.name) for each in fields(Rules)})


def _record(agent: Agent) -> AgentRecord:
    return AgentRecord(
        customer_id=agent.customer_id,
        agent_type=agent.agent_type,
        seniority=agent.seniority,
        enabled=agent.enabled,
        restricted=agent.restricted,
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
