"""What follows when an agent or a customer is switched off: calls in flight are cancelled where that was chosen.

What is switched off is a state in the database: the sweep carries it out again and again, so that a call which a worker
began a moment later, or a process that died half-way, makes no difference.
"""

from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from delegation.errors import AgentUnavailable
from delegation.models import Agent, Hop, Task
from delegation.services.moving import moving
from delegation.states import TASK_ENDED, HopStatus, TaskStatus
from security.errors import CustomerDisabled
from security.models import Customer, InFlight

_MOST_AT_ONCE = 200
_ALIVE = [status for status in TaskStatus if status not in TASK_ENDED]


def switched_off_cancel(*, now: datetime) -> int:
    """Cancel what is in flight for agents and customers that were switched off so; return how many calls and tasks."""
    agents = Agent.objects.filter(enabled=False, in_flight=InFlight.CANCEL).values_list("customer_id", "agent_type")
    calls = sum(agent_calls_cancel(customer_id=customer, agent_type=kind, now=now) for customer, kind in agents)
    customers = list(Customer.objects.filter(is_active=False, in_flight=InFlight.CANCEL).values_list("id", flat=True))
    if not customers:
        return calls
    stopped = Task.objects.filter(status__in=_ALIVE, customer_id__in=customers).order_by()
    for task_id in (ids := list(stopped.values_list("id", flat=True)[:_MOST_AT_ONCE])):
        _end_task(task_id, now=now)
    return calls + len(ids)


def agent_calls_cancel(*, customer_id: str, agent_type: str, now: datetime) -> int:
    """Cancel the calls of the agent that are under way, also those that it answers later; return how many."""
    found = _in_flight(Hop.objects.of_customer(customer_id).filter(agent_type=agent_type)).order_by()
    hops = list(found.values_list("id", "task_id")[:_MOST_AT_ONCE])
    for hop_id, task_id in hops:
        _cancel_call(hop_id, task_id, now=now)
    return len(hops)


def _in_flight(hops: QuerySet[Hop]) -> QuerySet[Hop]:
    return hops.filter(Q(status=HopStatus.RUNNING) | Q(status=HopStatus.WAITING, due_at__isnull=False))


def _cancel_call(hop_id: UUID, task_id: UUID, *, now: datetime) -> None:
    with moving(task_id, now=now) as move:
        # Read again under the task's lock: its settlement may have come first.
        hop = _in_flight(Hop.objects.filter(id=hop_id)).first()
        if hop is not None and not move.ended:
            move.cancel_hop(hop, AgentUnavailable(internal="switched off"))


def _end_task(task_id: UUID, *, now: datetime) -> None:
    with moving(task_id, now=now) as move:
        if not move.ended:
            move.end(TaskStatus.CANCELED, CustomerDisabled(internal="switched off"))
