"""The hot path's statements with the ORM, for databases with one writer (SQLite).

``IMMEDIATE`` transactions take the database's one write lock at their start: nothing moves underneath them.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from uuid import UUID

from django.db import models, transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Least

from audit.models import AuthorizationLog, DelegationLog, LeakageLog
from delegation.models import Agent, Approval, Clarification, Hop, Task, TaskEvent
from delegation.states import HOP_ENDED, TASK_ENDED, HopStatus, TaskStatus
from delegation.store.records import (
    ATTEMPT_COLUMNS,
    HOP_CHANGES,
    LOST,
    NO_LIMIT,
    NOTHING_TAKEN,
    REASON_LENGTH,
    TARGET_LENGTH,
    AgentKey,
    BranchEnd,
    ClaimedHop,
    Claims,
    LoggedDecision,
    LoggedRuling,
    NewTask,
    Row,
    Settled,
    Settlement,
    TaskFacts,
)
from delegation.store.rows import continuation


def attempt_of(hop_id: UUID) -> "QuerySet[Hop, Row]":
    """Return the rows of ``Store.attempt``: in one query, and without models around them, which would cost more."""
    return Hop.objects.filter(Q(id=hop_id) | Q(join_id=hop_id)).order_by().values(*ATTEMPT_COLUMNS)


class PlainStore:
    """See ``records.Store``."""

    @transaction.atomic
    def commit(self, tasks: Sequence[NewTask], settlements: Sequence[Settlement]) -> tuple[list[bool], list[Settled]]:
        return [_submit(new) for new in tasks], [_settle(one) for one in settlements]

    def attempt(self, hop_id: UUID) -> list[Row]:
        return list(attempt_of(hop_id))

    @transaction.atomic
    def claim(
        self,
        *,
        owner: UUID,
        limit: int,
        now: datetime,
        agent_limit: int = NO_LIMIT,
        taken: Mapping[AgentKey, int] = NOTHING_TAKEN,
    ) -> Claims:
        chosen = _ready(limit=limit, now=now, agent_limit=agent_limit, taken=taken)
        last_seqs: dict[UUID, tuple[str, int]] = {}
        claimed = [_claim(hop, owner=owner, now=now) for hop in chosen]
        for hop in claimed:
            last_seqs[hop.task_id] = (hop.customer_id, hop.task.last_seq)
        return Claims(hops=tuple(_claimed(hop, owner=owner, now=now) for hop in claimed), last_seqs=last_seqs)


def _insert(model: type[models.Model], rows: Iterable[Row]) -> None:
    model._default_manager.bulk_create(model(**row) for row in rows)


def _submit(new: NewTask) -> bool:
    task = Task(**new.task)
    taken = Task.objects.filter(customer_id=task.customer_id, idempotency_key=task.idempotency_key)
    if task.idempotency_key is not None and taken.exists():
        return False
    task.save(force_insert=True)
    _insert(Hop, new.hops)
    _insert(TaskEvent, new.events)
    _insert(AuthorizationLog, new.authorizations)
    return True


def _settle(one: Settlement) -> Settled:
    task = Task.objects.filter(id=one.hop.task.id).exclude(status__in=TASK_ENDED).first()
    held = Hop.objects.filter(
        id=one.hop.id, status=HopStatus.RUNNING, owner=one.hop.owner, claim=one.hop.claim, task=task
    )
    fresh = Hop()
    changes = {name: one.changes.get(name, getattr(fresh, name)) for name in HOP_CHANGES}
    changes["due_at"] = _sooner(one.changes.get("due_at"))
    if task is not None and one.new_hops and task.hop_count + len(one.new_hops) > task.hop_budget:
        return Settled(held=True, affordable=False)
    if task is None or held.update(owner=None, **changes) != 1:
        return LOST
    for model, rows in (
        (Hop, one.new_hops),
        (Approval, one.approvals),
        (Clarification, one.clarifications),
        (DelegationLog, [_decision_row(one, one.decision)] if one.decision else []),
        (AuthorizationLog, [_ruling_row(one, ruling) for ruling in one.rulings]),
        (LeakageLog, one.leakages),
    ):
        _insert(model, rows)
    joined = one.ends_branch is not None and end_branch(one.ends_branch, at=one.at)
    _tell(task, one.events, at=one.at)
    _move(task, one, hops=len(one.new_hops) + joined)
    leaves_branches = joined and Hop.objects.filter(join_id=one.hop.join_id).exclude(status__in=HOP_ENDED).exists()
    runs_on = joined and not leaves_branches
    resumed = _resumed(one.ends_branch, at=one.at) if one.ends_branch is not None and runs_on else None
    return Settled(
        held=True,
        last_seq=task.last_seq if resumed is None else task.last_seq + 1,
        hop_count=task.hop_count,
        depth_reached=task.depth_reached,
        joined=joined,
        resumed=resumed,
        leaves_branches=leaves_branches,
    )


def _decision_row(one: Settlement, logged: LoggedDecision) -> Row:
    """Return the row of agent_delegation_logs."""
    hop, changes = one.hop, one.changes
    return {
        "id": logged["id"],
        "task_id": hop.task.id,
        "customer_id": hop.task.customer_id,
        "hop_id": hop.id,
        "delegation_depth": hop.depth,
        "agent_type": hop.agent_type,
        "agent_ve_id": one.ve_id,
        "decision_action": changes.get("action"),
        "delegated_to_type": changes.get("delegated_to", ""),
        "confidence_score": changes.get("confidence"),
        "decision_reason": changes.get("reason", ""),
        "execution_time_seconds": logged["seconds"],
        "status": logged["status"],
        "result_summary": logged["summary"],
        "error_message": ": ".join(changes[name] for name in ("error_code", "error_message") if name in changes),
        "created_at": hop.started_at,
        "completed_at": one.at,
    }


def _ruling_row(one: Settlement, logged: LoggedRuling) -> Row:
    """Return the row of agent_authorization_logs."""
    authorized, reason = logged["authorized"], logged["reason"]
    return {
        "id": logged["id"],
        "customer_id": one.hop.task.customer_id,
        "task_id": one.hop.task.id,
        "agent_ve_id": one.ve_id,
        "target_agent_type": logged["target"][:TARGET_LENGTH],
        "action": logged["action"],
        "authorized": authorized,
        "authorization_reason": reason[:REASON_LENGTH] if authorized else "",
        "denied_reason": "" if authorized else reason,
        "request_headers": {"X-Customer-ID": one.hop.task.customer_id},
        "created_at": logged["at"],
    }


def _resumed(ended: BranchEnd, *, at: datetime) -> ClaimedHop | None:
    """Claim the split's continuation for the worker that goes on with it, if one does."""
    if ended.owner is None:
        return None
    return _claimed(_claim(Hop.objects.get(id=ended.resume_id), owner=ended.owner, now=at), owner=ended.owner, now=at)


def _sooner(due_at: datetime | None) -> object:
    """Return when the hop is due, or sooner where its agent has reported while it was being asked."""
    return None if due_at is None else Least(Value(due_at), Coalesce(F("due_at"), Value(due_at)))


def end_branch(ended: BranchEnd, *, at: datetime) -> bool:
    """Count one branch as ended; return whether it was the last needed: then the split's continuation is saved.

    The caller holds the task's lock.
    """
    split = Hop.objects.filter(id=ended.split_id, status=HopStatus.WAITING)
    split.update(pending_branches=F("pending_branches") - 1)
    if ended.succeeded:
        split.filter(wanted_branches__gt=0).update(wanted_branches=F("wanted_branches") - 1)
    enough = Q(pending_branches=0) | Q(wanted_branches=0)
    if split.filter(enough).update(status=HopStatus.COMPLETED, completed_at=at) != 1:
        return False
    continuation(Hop.objects.get(id=ended.split_id), id=ended.resume_id, at=at).save(force_insert=True)
    return True


def _move(task: Task, one: Settlement, *, hops: int) -> None:
    task.hop_count += hops
    task.depth_reached = max(task.depth_reached, one.depth_reached)
    task.open_questions += len(one.approvals) + len(one.clarifications)
    task.input_tokens += one.changes.get("input_tokens", 0)
    task.output_tokens += one.changes.get("output_tokens", 0)
    Task.objects.filter(id=task.id).update(cost_usd=F("cost_usd") + one.changes.get("cost_usd", 0))
    task.status = TaskStatus.INPUT_REQUIRED if task.open_questions else TaskStatus.WORKING
    if one.ends_task is not None:
        task.status, task.result = one.ends_task, one.changes.get("result")
        task.error_code, task.error_message = one.changes.get("error_code", ""), one.changes.get("error_message", "")
        task.completed_at = one.at
    task.save(
        update_fields="last_seq hop_count depth_reached open_questions input_tokens output_tokens status result "
        "error_code error_message completed_at".split()
    )


def _tell(task: Task, events: Iterable[tuple[str, Row]], *, at: datetime) -> None:
    """Save events under the task's next numbers; the caller saves ``last_seq``."""
    numbered = []
    for type_, data in events:
        task.last_seq += 1
        numbered.append(
            TaskEvent(task=task, customer_id=task.customer_id, seq=task.last_seq, type=type_, at=at, data=data)
        )
    TaskEvent.objects.bulk_create(numbered)


def _ready(*, limit: int, now: datetime, agent_limit: int, taken: Mapping[AgentKey, int]) -> list[Hop]:
    """Return the hops to claim, each customer in turn, as many of each agent as it has places."""
    alive = Hop.objects.exclude(task__status__in=TASK_ENDED)
    ready = alive.filter(Q(status=HopStatus.PENDING) | Q(status=HopStatus.WAITING, due_at__lte=now))
    agents = ready.order_by("customer_id", "agent_type").values_list("customer_id", "agent_type").distinct()
    queues: dict[str, list[Hop]] = {}
    for customer_id, agent_type in list(agents):
        free = _limit(customer_id, agent_type, agent_limit) - taken.get((customer_id, agent_type), 0)
        mine = ready.filter(customer_id=customer_id, agent_type=agent_type)
        in_order = mine.order_by("-priority", F("due_at").asc(nulls_last=True), "id")[: max(0, min(free, limit))]
        queues.setdefault(customer_id, []).extend(in_order)
    in_turn = zip_longest(*(sorted(queue, key=_turn) for queue in queues.values()))
    return [hop for turn in in_turn for hop in turn if hop is not None][:limit]


def _limit(customer_id: str, agent_type: str, agent_limit: int) -> int:
    own = Agent.objects.of_customer(customer_id).filter(agent_type=agent_type).values_list("max_concurrency", flat=True)
    return own.first() or agent_limit


def _turn(hop: Hop) -> tuple[int, bool, datetime, UUID]:
    return -hop.priority, hop.due_at is None, hop.due_at or hop.created_at, hop.id


def _claim(hop: Hop, *, owner: UUID, now: datetime) -> Hop:
    hop.task = Task.objects.get(id=hop.task_id)
    events: list[tuple[str, Row]] = []
    if hop.task.status == TaskStatus.SUBMITTED:
        hop.task.status = TaskStatus.WORKING
        hop.task.started_at = now
        events.append(("task.working", {}))
    hop.status, hop.owner, hop.due_at = HopStatus.RUNNING, owner, None
    hop.claim += 1
    hop.started_at = hop.started_at or now
    hop.save(update_fields=["status", "owner", "claim", "due_at", "started_at"])
    if hop.claim == 1:
        events.append(("hop.started", _started(hop)))
    _tell(hop.task, events, at=now)
    hop.task.save(update_fields=["status", "started_at", "last_seq"])
    return hop


def _started(hop: Hop) -> Row:
    agent = Agent.objects.filter(Q(customer_id=hop.customer_id, agent_type=hop.agent_type)).first()
    return {
        "delegation_id": str(hop.id),
        "parent_id": hop.parent_id and str(hop.parent_id),
        "depth": hop.depth,
        "agent_type": hop.agent_type,
        "agent_name": agent and agent.name,
        "attempt": hop.attempt,
        "resumes_id": hop.resumes_id and str(hop.resumes_id),
        "instruction": hop.instruction[:200],
    }


def _claimed(hop: Hop, *, owner: UUID, now: datetime) -> ClaimedHop:
    task = hop.task
    return ClaimedHop(
        id=hop.id,
        task=TaskFacts(
            id=task.id,
            customer_id=task.customer_id,
            created_by=task.created_by_id,
            message=task.message,
            priority=task.priority,
            trace_id=task.trace_id,
            created_at=task.created_at,
            deadline_at=task.deadline_at,
            hop_budget=task.hop_budget,
            hop_count=task.hop_count,
            cost_usd=float(task.cost_usd),
        ),
        owner=owner,
        claim=hop.claim,
        parent_id=hop.parent_id,
        join_id=hop.join_id,
        branch=hop.branch,
        resumes_id=hop.resumes_id,
        depth=hop.depth,
        attempt=hop.attempt,
        agent_type=hop.agent_type,
        path=tuple(hop.path),
        instruction=hop.instruction,
        priority=hop.priority,
        remote_task_id=hop.remote_task_id,
        polls=hop.polls,
        tries=hop.tries,
        started_at=hop.started_at or now,
    )
