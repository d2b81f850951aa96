"""Who a call is made for, as the token says it that goes with it."""

from delegation.loop.roster import AgentRecord
from delegation.store import ClaimedHop
from security.identity import CallIdentity


def identity_of(hop: ClaimedHop, agent: AgentRecord, *, message_id: str, timeout_seconds: float) -> CallIdentity:
    """Return the identity of one call of the hop's agent."""
    return CallIdentity(
        customer_id=hop.task.customer_id,
        path=hop.path,
        agent_ve_id=agent.ve_id,
        message_id=message_id,
        delegation_id=str(hop.id),
        timeout_seconds=timeout_seconds,
        person=str(hop.task.created_by or ""),
    )
