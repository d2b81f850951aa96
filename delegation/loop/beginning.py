"""A task that is submitted to a worker's own process begins in it: its first hop need not be claimed."""

from datetime import datetime
from uuid import UUID

from delegation.loop.account import started
from delegation.states import HopStatus, TaskStatus
from delegation.store.records import ClaimedHop, NewTask, Row, TaskFacts
from delegation.store.rows import claimed_hop


def begun(new: NewTask, *, owner: UUID, agent_name: str, at: datetime) -> tuple[NewTask, ClaimedHop]:
    """Return the task as its owner begins it, with its first hop: as if it had been saved and claimed at once."""
    (first,) = new.hops
    hop = first | {"status": HopStatus.RUNNING, "owner": owner, "claim": 1, "started_at": at}
    news = [("task.working", {}), ("hop.started", started(hop, name=agent_name))]
    task = new.task | {
        "status": TaskStatus.WORKING,
        "started_at": at,
        "last_seq": new.task["last_seq"] + len(news),
    }
    told = [_event(task, new.task["last_seq"] + place, news_of, at) for place, news_of in enumerate(news, 1)]
    return new._replace(task=task, hops=[hop], events=[*new.events, *told]), claimed_hop(hop, _facts(task))


def _event(task: Row, seq: int, news: tuple[str, Row], at: datetime) -> Row:
    type_, data = news
    return {
        "task_id": task["id"],
        "customer_id": task["customer_id"],
        "seq": seq,
        "type": type_,
        "at": at,
        "data": data,
    }


def _facts(task: Row) -> TaskFacts:
    return TaskFacts(
        id=task["id"],
        customer_id=task["customer_id"],
        created_by=task["created_by_id"],
        message=task["message"],
        priority=task["priority"],
        trace_id=task["trace_id"],
        created_at=task["created_at"],
        deadline_at=task["deadline_at"],
        hop_budget=task["hop_budget"],
        hop_count=task["hop_count"],
        cost_usd=0.0,
    )
