"""Which agents a person may have work for them, and whose delegations they may approve."""

from django.db.models import QuerySet

from delegation.models import Agent, AgentGrant
from security.authorisation import Employee, Ruling, may_give_work
from security.principal import Principal
from security.roles import Permission

INVOKE, APPROVE = "invoke_agent", "approve_agent"


def may_work_for(principal: Principal, agent: Agent) -> Ruling:
    """Rule whether the agent may work for the person; grants are looked up only where the role does not decide."""
    ruling = _ruling(principal, agent, granted=False)
    if ruling.authorized or not principal.within(Permission.TASK_SUBMIT):
        return ruling
    return _ruling(principal, agent, granted=granted(principal, INVOKE).filter(content_object_id=agent.id).exists())


def agents_at_work_for(principal: Principal) -> list[Agent]:
    """Return the enabled agents that may work for the person, by name."""
    agents = Agent.objects.of_customer(principal.customer_id).filter(enabled=True).order_by("name")
    by_grant = set(granted(principal, INVOKE).values_list("content_object_id", flat=True))
    return [agent for agent in agents if _ruling(principal, agent, granted=agent.id in by_grant).authorized]


def may_approve(principal: Principal, *, agent_type: str) -> Ruling:
    """Rule whether the person may approve what is delegated to the agent."""
    if principal.may(Permission.APPROVE):
        return Ruling(authorized=True, reason=f"role {principal.role}")
    grants = granted(principal, APPROVE).filter(content_object__agent_type=agent_type)
    if principal.within(Permission.APPROVE) and grants.exists():
        return Ruling(authorized=True, reason=f"grant: approve {agent_type}")
    return Ruling(authorized=False, reason=principal.lacks(Permission.APPROVE))


def approvable_agents(principal: Principal) -> set[str]:
    """Return the agents whose delegations the person may approve by a grant, whatever the role."""
    if not principal.within(Permission.APPROVE):
        return set()
    return set(granted(principal, APPROVE).values_list("content_object__agent_type", flat=True))


def granted(principal: Principal, codename: str) -> QuerySet[AgentGrant]:
    """Return the person's grants of this kind at the customer."""
    return AgentGrant.objects.filter(
        user_id=principal.user_id,
        permission__codename=codename,
        content_object__customer_id=principal.customer_id,
    ).order_by()


def _ruling(principal: Principal, agent: Agent, *, granted: bool) -> Ruling:
    target = Employee(
        customer_id=agent.customer_id,
        agent_type=agent.agent_type,
        seniority=agent.seniority,
        enabled=agent.enabled,
        restricted=agent.restricted,
    )
    within = principal.within(Permission.TASK_SUBMIT)
    return may_give_work(role=principal.role, granted=granted, within=within, target=target)
