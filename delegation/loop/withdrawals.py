"""Telling agents that nobody waits for their work any more: best effort, a few at a time, beside everything else.

A hop that is over while a task of its agent's own is under way is due once more; who takes that tells the agent, once.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from django.db import DatabaseError

from delegation.gateway import AgentCall, Gateway
from delegation.loop.roster import AgentRecord, Rosters
from delegation.models import Hop
from delegation.states import HopStatus
from security.errors import PlatformError
from security.identity import CallIdentity

log = structlog.get_logger(__name__)

_MOST_AT_ONCE = 32
_SECONDS = 10.0
_OVER = (HopStatus.CANCELED, HopStatus.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """A task of an agent's own that is to be cancelled. ``person`` is whom the hop was for."""

    hop_id: UUID
    task_id: UUID
    customer_id: str
    agent_type: str
    path: tuple[str, ...]
    person: str
    trace_id: str
    remote_task_id: str


class Withdrawals:
    """Those under way in this worker."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[None]] = set()

    @property
    def free(self) -> int:
        """Return how many more may begin now."""
        return _MOST_AT_ONCE - len(self._under_way)

    def tell(self, withdrawals: Sequence[Withdrawal], *, gateway: Gateway, rosters: Rosters) -> None:
        """Begin to tell the agents, and do not wait for them."""
        for withdrawal in withdrawals:
            telling = asyncio.create_task(_tell(withdrawal, gateway, rosters))
            self._under_way.add(telling)
            telling.add_done_callback(self._under_way.discard)

    async def close(self) -> None:
        """Give up those under way."""
        under_way = list(self._under_way)
        for telling in under_way:
            telling.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


def taken_back(now: datetime, limit: int) -> list[Withdrawal]:
    """Take hops whose agents are to be told; nobody else gets them after that."""
    due = Hop.objects.filter(status__in=_OVER, due_at__isnull=False, due_at__lte=now).order_by("due_at")
    hops = list(due.select_related("task").only(*_NEEDED)[:limit])
    mine = [hop for hop in hops if Hop.objects.filter(id=hop.id, due_at=hop.due_at).update(due_at=None) == 1]
    return [
        Withdrawal(
            hop_id=hop.id,
            task_id=hop.task_id,
            customer_id=hop.customer_id,
            agent_type=hop.agent_type,
            path=tuple(hop.path),
            person=str(hop.task.created_by_id or ""),
            trace_id=hop.task.trace_id,
            remote_task_id=hop.remote_task_id,
        )
        for hop in mine
    ]


_NEEDED = "id customer_id agent_type path remote_task_id due_at task__trace_id task__created_by".split()


def take_back_late(hop_id: UUID, remote_task_id: str, now: datetime) -> None:
    """Note the agent's task of a hop that was cancelled before its name was known."""
    canceled = Hop.objects.filter(id=hop_id, status=HopStatus.CANCELED, remote_task_id="")
    canceled.update(remote_task_id=remote_task_id, due_at=now)


async def _tell(withdrawal: Withdrawal, gateway: Gateway, rosters: Rosters) -> None:
    try:
        roster = await rosters.of(withdrawal.customer_id)
        agent = roster.agents.get(withdrawal.agent_type)
        if agent is not None:
            await gateway.cancel(_call(withdrawal, agent))
    except (PlatformError, DatabaseError) as error:
        log.info("agent not told", hop_id=str(withdrawal.hop_id), error=str(error))


def _call(withdrawal: Withdrawal, agent: AgentRecord) -> AgentCall:
    message_id = f"{withdrawal.hop_id}-cancel"
    identity = CallIdentity(
        customer_id=withdrawal.customer_id,
        path=withdrawal.path,
        agent_ve_id=agent.ve_id,
        message_id=message_id,
        delegation_id=str(withdrawal.hop_id),
        timeout_seconds=_SECONDS,
        person=withdrawal.person,
    )
    return AgentCall(
        url=agent.endpoint_url,
        message_id=message_id,
        context_id=str(withdrawal.task_id),
        customer_id=withdrawal.customer_id,
        traceparent=f"00-{withdrawal.trace_id}-{withdrawal.hop_id.hex[-16:]}-01",
        instruction="",
        context={},
        timeout_seconds=_SECONDS,
        identity=identity,
        credential=agent.credential,
        remote_task_id=withdrawal.remote_task_id,
    )
