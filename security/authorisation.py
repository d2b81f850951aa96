"""May this agent be called, or delegated to? Pure rules that return a verdict with the rule that decided it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from security.roles import ROLE_MATRIX, Permission, Role

# The lower the number, the higher the rank.
RANKS = {"executive": 0, "director": 1, "manager": 2, "senior": 3, "specialist": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Employee:
    """What the rules know of an agent."""

    customer_id: str
    agent_type: str
    seniority: str
    enabled: bool
    restricted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """A yes or no with its reason, as it goes on record."""

    authorized: bool
    reason: str


# What a customer has ruled for single pairs of agents (from, to).
PairRulings = Mapping[tuple[str, str], Ruling]
NO_RULINGS: PairRulings = {}

# Every hop asks for each of its colleagues: the rulings are made once.
_STRANGER = Ruling(authorized=False, reason="another customer's agent")
_DISABLED = Ruling(authorized=False, reason="the agent is disabled")
_BEYOND_REACH = Ruling(authorized=False, reason="beyond the reach of the task's person")
_WITHIN_REACH = Ruling(authorized=True, reason="own agent, enabled, within the person's reach")
_BY_RANK = {
    (source, target): Ruling(authorized=True, reason=f"{source} to {target} (seniority)")
    if RANKS[target] >= RANKS[source]
    else Ruling(authorized=False, reason=f"a {source} may not delegate to a {target} (seniority)")
    for source in RANKS
    for target in RANKS
}


def may_give_work(*, role: str, granted: bool, within: bool = True, target: Employee) -> Ruling:
    """Rule whether a person may have the agent work for them.

    ``within``: whether the credential reaches as far as giving tasks at all.
    """
    if not within:
        return Ruling(authorized=False, reason="the API key has no scope task_submit")
    if granted:
        return Ruling(authorized=True, reason=f"grant: invoke {target.agent_type}")
    if target.restricted:
        allowed = role == Role.OWNER
        return Ruling(authorized=allowed, reason="role owner" if allowed else f"{target.agent_type} is restricted")
    allowed = Permission.TASK_SUBMIT in ROLE_MATRIX[Role(role)]
    return Ruling(authorized=allowed, reason=f"role {role}" + ("" if allowed else ": no task_submit"))


def may_invoke(*, customer_id: str, target: Employee, reach: Collection[str] | None = None) -> Ruling:
    """Rule whether the customer may call the agent at all, for a person who reaches these agents (None: all)."""
    if target.customer_id != customer_id:
        return _STRANGER
    if not target.enabled:
        return _DISABLED
    if reach is not None and target.agent_type not in reach:
        return _BEYOND_REACH
    return _WITHIN_REACH


def may_delegate(*, source: Employee, target: Employee, rulings: PairRulings = NO_RULINGS) -> Ruling:
    """Rule whether one agent may delegate to another: its own rank or below, never above, or as a pair's rule says."""
    invoke = may_invoke(customer_id=source.customer_id, target=target)
    if not invoke.authorized:
        return invoke
    ruled = rulings.get((source.agent_type, target.agent_type))
    if ruled is not None:
        return ruled
    return _BY_RANK[source.seniority, target.seniority]
