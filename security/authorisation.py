"""May this agent be called, or delegated to? Pure rules that return a verdict with the rule that decided it."""

from dataclasses import dataclass

# The lower the number, the higher the rank.
RANKS = {"executive": 0, "director": 1, "manager": 2, "senior": 3, "specialist": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Employee:
    """What the rules know of an agent."""

    customer_id: str
    agent_type: str
    seniority: str
    enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """A yes or no with its reason, as it goes on record."""

    authorized: bool
    reason: str


def may_invoke(*, customer_id: str, target: Employee) -> Ruling:
    """Rule whether the customer may call the agent at all."""
    if target.customer_id != customer_id:
        return Ruling(authorized=False, reason="another customer's agent")
    if not target.enabled:
        return Ruling(authorized=False, reason="the agent is disabled")
    return Ruling(authorized=True, reason="own agent, enabled")


def may_delegate(*, source: Employee, target: Employee) -> Ruling:
    """Rule whether one agent may delegate to another: its own rank or below, never above."""
    invoke = may_invoke(customer_id=source.customer_id, target=target)
    if not invoke.authorized:
        return invoke
    if RANKS[target.seniority] < RANKS[source.seniority]:
        return Ruling(
            authorized=False, reason=f"a {source.seniority} may not delegate to a {target.seniority} (seniority)"
        )
    return Ruling(authorized=True, reason=f"{source.seniority} to {target.seniority} (seniority)")
