"""Rules for pairs of agents, and grants of single agents to people: made and taken back by a customer's owners."""

from datetime import datetime
from typing import cast
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from guardian.shortcuts import assign_perm

from delegation.errors import Conflict
from delegation.models import Agent, AgentGrant, DelegationRule
from delegation.services.reach import APPROVE, INVOKE
from delegation.services.storable import check_storable
from security.errors import NotFound, ValidationFailed
from security.models import Membership
from security.principal import Principal
from security.roles import Permission
from security.testimony import on_record

REASON_LENGTH = 100
MAY = {"invoke": INVOKE, "approve": APPROVE}


@on_record()
def rules_visible(principal: Principal) -> QuerySet[DelegationRule]:
    """Return the customer's rules, the newest first. Raises AuthFailed."""
    principal.require(Permission.AGENT_VIEW)
    rules = DelegationRule.objects.of_customer(principal.customer_id)
    return rules.select_related("agent_from", "agent_to", "owner")


@on_record()
def rule_create(
    *, principal: Principal, agent_from: str, agent_to: str, effect: str, reason: str, now: datetime
) -> DelegationRule:
    """Allow or deny one agent to delegate to another, by their types. Workers follow within about a second.

    Raises:
        AuthFailed
        ValidationFailed: one of them is no agent here, they are the same, or the reason is missing or too long.
        Conflict: there is such a rule already.
    """
    principal.require(Permission.RULE_EDIT)
    check_storable("reason", reason)
    if not 0 < len(reason.strip()) <= REASON_LENGTH:
        raise ValidationFailed(detail=f"reason: 1 to {REASON_LENGTH} characters.")
    if agent_from == agent_to:
        raise ValidationFailed(detail="agent_to: an agent never delegates to itself.")
    source, target = (
        _agent(principal, name, kind) for name, kind in (("agent_from", agent_from), ("agent_to", agent_to))
    )
    rule = DelegationRule(
        customer_id=principal.customer_id,
        agent_from=source,
        agent_to=target,
        effect=DelegationRule.Effect(effect),
        reason=reason.strip(),
        owner_id=principal.user_id,
        created_at=now,
    )
    try:
        with transaction.atomic():
            rule.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(detail="There is such a rule already.", internal=str(error)) from error
    return rule


@on_record()
def rule_delete(*, principal: Principal, rule_id: UUID) -> None:
    """Take the rule back. Raises AuthFailed, NotFound."""
    principal.require(Permission.RULE_EDIT)
    deleted, _ = DelegationRule.objects.of_customer(principal.customer_id).filter(id=rule_id).delete()
    if not deleted:
        raise NotFound(internal=f"no delegation rule {rule_id}")


@on_record()
def grants_visible(principal: Principal) -> QuerySet[AgentGrant]:
    """Return the customer's grants, the newest first. Raises AuthFailed."""
    principal.require(Permission.PEOPLE_VIEW)
    grants = AgentGrant.objects.filter(content_object__customer_id=principal.customer_id)
    return grants.select_related("content_object", "user", "permission").order_by("-id")


@on_record()
def grant_create(*, principal: Principal, agent: str, username: str, may: str) -> AgentGrant:
    """Let a member have the agent (named by its type) work for them ("invoke"), or approve what is delegated to it.

    Granting again what is granted already changes nothing.

    Raises:
        AuthFailed
        ValidationFailed: no such agent or member here.
    """
    principal.require(Permission.RULE_EDIT)
    target = _agent(principal, "agent", agent)
    check_storable("username", username)
    members = Membership.objects.active().filter(customer_id=principal.customer_id, user__username=username)
    member = members.select_related("user").first()
    if member is None:
        raise ValidationFailed(detail="username: no member of this customer.")
    return cast("AgentGrant", assign_perm(f"delegation.{MAY[may]}", member.user, target))


@on_record()
def grant_delete(*, principal: Principal, grant_id: UUID) -> None:
    """Take the grant back. Raises AuthFailed, NotFound."""
    principal.require(Permission.RULE_EDIT)
    grants = AgentGrant.objects.filter(content_object__customer_id=principal.customer_id, id=grant_id)
    if not grants.delete()[0]:
        raise NotFound(internal=f"no grant {grant_id}")


def _agent(principal: Principal, name: str, agent_type: str) -> Agent:
    check_storable(name, agent_type)
    agent: Agent | None = Agent.objects.of_customer(principal.customer_id).filter(agent_type=agent_type).first()
    if agent is None:
        raise ValidationFailed(detail=f"{name}: there is no agent {agent_type[:64]!r} here.")
    return agent
