"""May this decision be carried out? Pure: frozen facts in, a verdict with its reasons out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from delegation.errors import DelegationCycle, HopBudgetExceeded, MaxDepthExceeded
from delegation.policy.approval import NO_RULES, Rules, reason_to_ask
from delegation.policy.decision import Decision, Subtask
from security.authorisation import NO_RULINGS, Employee, PairRulings, Ruling, may_delegate
from security.errors import AuthFailed, PlatformError

MAX_DEPTH = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Colleague(Employee):
    """An agent as the policy sees it."""

    name: str
    skills: tuple[str, ...]
    description: str
    requires_approval: bool


class Situation(NamedTuple):
    """Where a hop stands when it decides. ``path`` runs from the root to the deciding agent itself.

    ``reach`` are the agents that the task's person may have work for them; None: all.
    """

    agent: Colleague
    depth: int
    path: tuple[str, ...]
    roster: Mapping[str, Colleague]
    hops_left: int
    rules: Rules = NO_RULES
    used_pairs: frozenset[tuple[str, str]] = frozenset()
    rulings: PairRulings = NO_RULINGS
    reach: frozenset[str] | None = None


class Referral(NamedTuple):
    """One subtask that may go ahead: at once, or where a rule says so after a person's approval."""

    subtask: Subtask
    rule: str = ""

    @property
    def needs_approval(self) -> bool:
        return bool(self.rule)


class Verdict(NamedTuple):
    """Either referrals (none where the work was handled or a question asked) or a refusal; rulings go on record."""

    referrals: tuple[Referral, ...] = ()
    rulings: tuple[tuple[str, Ruling], ...] = ()
    refusal: PlatformError | None = None


def candidates(situation: Situation) -> list[Colleague]:
    """Return the colleagues that the agent may delegate to from here."""
    if situation.depth >= MAX_DEPTH:
        return []
    return [
        colleague
        for agent_type, colleague in situation.roster.items()
        if agent_type not in situation.path and may_receive(colleague, situation).authorized
    ]


def may_receive(target: Colleague, situation: Situation) -> Ruling:
    """Rule whether the hop may delegate to the agent.

    The task's person must reach it, and so must every agent on the path: a delegation never widens anyone's rights.
    """
    if situation.reach is not None and target.agent_type not in situation.reach:
        return Ruling(authorized=False, reason=f"{target.agent_type} is beyond the reach of the task's person")
    own = may_delegate(source=situation.agent, target=target, rulings=situation.rulings)
    if not own.authorized:
        return own
    for agent_type, ancestor in _ancestors(situation):
        if ancestor is None:
            return Ruling(authorized=False, reason=f"{agent_type} on the path is employed no more")
        theirs = may_delegate(source=ancestor, target=target, rulings=situation.rulings)
        if not theirs.authorized:
            return Ruling(authorized=False, reason=f"{agent_type} on the path may not: {theirs.reason}")
    return own


def _ancestors(situation: Situation) -> Iterator[tuple[str, Colleague | None]]:
    """Yield the agents on the path above the deciding one, with what is known of each."""
    return ((agent_type, situation.roster.get(agent_type)) for agent_type in situation.path[:-1])


def judge(decision: Decision, situation: Situation) -> Verdict:
    """Return what may be done with the decision."""
    if not decision.subtasks:
        return Verdict()
    if situation.depth >= MAX_DEPTH:
        refusal: PlatformError = MaxDepthExceeded(internal=f"delegation from depth {situation.depth}")
        return Verdict(refusal=refusal)
    rulings: list[tuple[str, Ruling]] = []
    referrals: list[Referral] = []
    for subtask in decision.subtasks:
        ruling, refused = _rule(subtask.delegated_to, situation)
        rulings.append((subtask.delegated_to[:64], ruling))
        if refused is not None:
            return Verdict(rulings=tuple(rulings), refusal=refused)
        target = situation.roster[subtask.delegated_to]
        referrals.append(Referral(subtask=subtask, rule=_rule_to_ask(decision, target, situation)))
    if len(referrals) > situation.hops_left:
        refusal = HopBudgetExceeded(internal=f"{len(referrals)} more hops, {situation.hops_left} left")
        return Verdict(rulings=tuple(rulings), refusal=refusal)
    return Verdict(referrals=tuple(referrals), rulings=tuple(rulings))


def _rule_to_ask(decision: Decision, target: Colleague, situation: Situation) -> str:
    return reason_to_ask(
        situation.rules,
        target=target.agent_type,
        target_seniority=target.seniority,
        flagged=target.requires_approval,
        confidence=decision.confidence,
        used_before=(situation.agent.agent_type, target.agent_type) in situation.used_pairs,
    )


def _rule(agent_type: str, situation: Situation) -> tuple[Ruling, PlatformError | None]:
    if agent_type in situation.path:
        where = "itself" if agent_type == situation.agent.agent_type else f"its ancestor {agent_type}"
        reason = f"{situation.agent.agent_type} may not delegate to {where} (cycle)"
        return Ruling(authorized=False, reason=reason), DelegationCycle(internal=reason)
    target = situation.roster.get(agent_type)
    if target is None:
        reason = "no such agent here"
        return Ruling(authorized=False, reason=reason), AuthFailed(internal=f"{reason}: {agent_type[:100]!r}")
    ruling = may_receive(target, situation)
    return ruling, None if ruling.authorized else AuthFailed(internal=ruling.reason)


def problem_for_agent(refusal: PlatformError, situation: Situation) -> str:
    """Say to the agent what was wrong with its choice and what it may do instead."""
    names = ", ".join(colleague.agent_type for colleague in candidates(situation))
    return f"{refusal.internal_message}. You may delegate to: {names or 'nobody; handle it yourself'}."
