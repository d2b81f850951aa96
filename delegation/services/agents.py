"""A customer's virtual employees: hired, changed, and looked in on."""

import asyncio
import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import uuid6
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from delegation.errors import Conflict
from delegation.gateway import AgentCard, CardRequest, Gateway
from delegation.models import Agent
from delegation.services.addresses import address_policy
from delegation.services.credentials import (
    certificates_folder,
    check_credential_stays,
    credential_of,
    credential_set,
)
from delegation.services.storable import check_storable
from delegation.services.switching import agent_calls_cancel
from security.errors import NotFound, PlatformError, ValidationFailed
from security.identity import CallIdentity
from security.models import InFlight
from security.principal import Principal
from security.roles import Permission
from security.signing import RingSigner
from security.switches import record_switch
from security.testimony import on_record

EDITABLE = frozenset(
    "agent_type name description seniority skills endpoint_url is_root requires_approval restricted enabled in_flight "
    "disabled_reason timeout_seconds max_concurrency calls_per_hour expected_tokens expected_cost_usd".split()
)
_CHECK_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentCheck:
    """What a look at the agent's card came to. ``error`` is {code, message}; times in seconds."""

    reachable: bool
    card: dict[str, object] | None
    error: dict[str, str] | None
    response_time_seconds: float


@on_record()
def agents_visible(principal: Principal) -> QuerySet[Agent]:
    principal.require(Permission.AGENT_VIEW)
    return Agent.objects.of_customer(principal.customer_id)


@on_record()
def agent_get(*, principal: Principal, agent_id: UUID) -> Agent:
    """Return the agent. Raises NotFound where it does not exist or is another customer's."""
    agent = agents_visible(principal).filter(id=agent_id).first()
    if agent is None:
        raise NotFound(internal=f"agent {agent_id} for {principal.customer_id}")
    return agent


@on_record()
def agent_create(*, principal: Principal, fields: dict[str, object], now: datetime) -> Agent:
    """Hire an agent. Its VE id is made from its type. ``credential`` is {kind, ...}, or None for none.

    Raises:
        AuthFailed, ValidationFailed (with the field's name), AddressRefused
        Conflict: the customer has an agent of this type already.
    """
    principal.require(Permission.AGENT_EDIT)
    kind = str(fields.get("agent_type", ""))[:48]
    agent = Agent(customer_id=principal.customer_id, ve_id=f"{kind}-{secrets.token_hex(4)}", created_at=now)
    return _saved(agent, fields, now=now)


@on_record()
def agent_update(*, principal: Principal, agent_id: UUID, fields: dict[str, object], now: datetime) -> Agent:
    """Change an agent; ``enabled`` is its kill switch. Raises as ``agent_create``, and NotFound."""
    principal.require(Permission.AGENT_EDIT)
    agent = agent_get(principal=principal, agent_id=agent_id)
    before = agent.enabled, agent.in_flight
    with transaction.atomic():
        agent = _saved(agent, fields, now=now)
        if (agent.enabled, agent.in_flight) != before:
            agent_switched(agent, by=f"{principal.username} ({principal.role})", now=now)
    return agent


def agent_switched(agent: Agent, *, by: str, now: datetime) -> None:
    """Record that the agent was switched off or on; once committed, cancel its calls in flight if that was chosen."""
    record_switch(
        customer_id=agent.customer_id,
        agent_ve_id=agent.ve_id,
        agent_type=agent.agent_type,
        on=agent.enabled,
        by=by,
        in_flight=agent.in_flight,
        reason=agent.disabled_reason,
        now=now,
    )
    if not agent.enabled and agent.in_flight == InFlight.CANCEL:
        whose = {"customer_id": agent.customer_id, "agent_type": agent.agent_type}
        transaction.on_commit(lambda: agent_calls_cancel(**whose, now=now))


@on_record()
def agent_check(*, principal: Principal, agent_id: UUID, now: datetime) -> AgentCheck:
    """Fetch the agent's card now and keep it; an agent that cannot be reached is an outcome, not an error.

    Raises:
        AuthFailed, NotFound
    """
    principal.require(Permission.AGENT_EDIT)
    agent = agent_get(principal=principal, agent_id=agent_id)
    began = time.perf_counter()
    try:
        signer = RingSigner()
        signer.refresh(now)
        card = asyncio.run(_fetched(_look(agent), signer))
    except PlatformError as error:
        shown = {"code": error.code, "message": error.user_message}
        return AgentCheck(reachable=False, card=None, error=shown, response_time_seconds=time.perf_counter() - began)
    seconds = time.perf_counter() - began
    Agent.objects.filter(id=agent.id).update(card=card.raw, card_fetched_at=now)
    return AgentCheck(reachable=True, card=dict(card.raw), error=None, response_time_seconds=seconds)


def _look(agent: Agent) -> CardRequest:
    """Return the look at an agent's card as its own customer takes it: signed, and with the agent's credential."""
    look_id = f"check-{uuid6.uuid7()}"
    identity = CallIdentity(
        customer_id=agent.customer_id,
        path=(agent.agent_type,),
        agent_ve_id=agent.ve_id,
        message_id=look_id,
        delegation_id=look_id,
        timeout_seconds=_CHECK_SECONDS,
    )
    return CardRequest(
        url=agent.endpoint_url,
        customer_id=agent.customer_id,
        identity=identity,
        credential=credential_of(agent),
    )


async def _fetched(look: CardRequest, signer: RingSigner) -> AgentCard:
    async with Gateway(policy=address_policy(), signer=signer, certificates=certificates_folder()) as gateway:
        return await gateway.card(look, fresh=True)


def _saved(agent: Agent, fields: dict[str, object], *, now: datetime) -> Agent:
    before = agent.endpoint_url
    for name in EDITABLE & fields.keys():
        check_storable(name, fields[name])
        setattr(agent, name, fields[name])
    if agent.enabled:
        agent.disabled_reason = ""
    _check_skills(agent.skills)
    address_policy().check_url(agent.endpoint_url)
    if "credential" in fields:
        credential_set(agent, fields["credential"], now=now)
    else:
        check_credential_stays(agent, before=before, after=agent.endpoint_url)
    try:
        agent.clean_fields(exclude={"customer"})
        with transaction.atomic():
            agent.save()
    except ValidationError as error:
        told = "; ".join(f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items())
        raise ValidationFailed(detail=told) from error
    except IntegrityError as error:
        detail = "There is such an agent already: agent_type must be unique, and only one agent may be the root."
        raise Conflict(detail=detail, internal=str(error)) from error
    return agent


def _check_skills(skills: object) -> None:
    if not isinstance(skills, list) or not all(isinstance(skill, str) for skill in skills):
        raise ValidationFailed(detail="skills: must be a list of texts.")
