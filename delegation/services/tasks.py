"""Tasks: submitted, started, cancelled and read by people."""

import hashlib
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import orjson
from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from delegation import metrics
from delegation.actors import bell
from delegation.errors import Conflict, PayloadTooLarge
from delegation.live.feed import feed
from delegation.models import Agent, Hop, Task, TaskEvent
from delegation.models.agents import AGENT_TYPE
from delegation.services.backlog import check_backlog
from delegation.services.moving import moving
from delegation.services.reach import may_work_for
from delegation.services.storable import check_storable
from delegation.states import PRIORITY_RANK, HopStatus, Priority, TaskStatus
from delegation.store import NewTask
from delegation.store.records import Row
from delegation.store.rows import hop_row, new_id
from delegation.store.together import save_together
from security.authorisation import RANKS, Ruling
from security.errors import AuthFailed, CustomerDisabled, NotFound, ValidationFailed
from security.limiting import limiter, terms_of
from security.limits import Admission, exceeded
from security.principal import Principal
from security.roles import Permission
from security.rows.lookup import Lookup
from security.testimony import Action, on_record, record_admission, ruling

_TRACEPARENT = re.compile(r"\A[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_IDEMPOTENCY_KEY_LENGTH = 255
_agent_named = Lookup(
    Agent,
    "customer_id",
    "agent_type",
    only=("customer", "ve_id", "agent_type", "seniority", "restricted", "enabled"),
    enabled=True,
)
_task_of_customer = Lookup(Task, "customer_id", "id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """``created`` is False where the idempotency key brought back the task of an earlier request.

    ``admission`` tells how the customer's limit stands.
    """

    task: Task
    created: bool
    admission: Admission


@on_record(action=Action.INVOKE)
def task_submit(
    *,
    principal: Principal,
    message: str,
    now: datetime,
    agent_type: str | None = None,
    priority: str = Priority.NORMAL,
    start: bool = True,
    metadata: dict[str, object] | None = None,
    idempotency_key: str | None = None,
    traceparent: str = "",
) -> Submission:
    """Save a task for the agent named (or the customer's root agent) and have a worker begin it.

    Raises:
        AuthFailed: the person may not submit, or not to this agent.
        NotFound: the customer has no such agent, or it is disabled.
        ValidationFailed, PayloadTooLarge: the message cannot be taken.
        Conflict: the idempotency key was used with another request.
        Overloaded: too much work waits already.
        RateLimitExceeded: the customer has submitted as many tasks as it may in a day.
        LimiterUnavailable: nobody can tell whether it has.
        CustomerDisabled
    """
    check_enabled(principal.customer_id)
    _check_message(message)
    _check_idempotency_key(idempotency_key)
    check_storable("metadata", metadata)
    priority = _checked_priority(priority)
    agent, allowed = access_root_agent(principal=principal, agent_type=agent_type)
    new = prepared_task(
        principal=principal,
        agent=agent,
        allowed=allowed,
        message=message,
        priority=priority,
        start=start,
        metadata=metadata or {},
        idempotency_key=idempotency_key,
        request_digest=_digest([message, agent_type, priority, start, metadata or {}]),
        trace_id=_trace_id(traceparent),
        now=now,
    )
    if start:
        check_backlog(principal.customer_id)
    with _counted(new, now=now) as admission:
        saved = save_together(new)
    if not saved:
        return Submission(task=_replayed(new), created=False, admission=admission)
    metrics.TASKS_CREATED.labels(principal.customer_id, priority).inc()
    _announce_new(new)
    return Submission(task=Task(**new.task), created=True, admission=admission)


def prepared_task(
    *,
    principal: Principal,
    agent: Agent,
    message: str,
    priority: Priority,
    start: bool,
    metadata: dict[str, object],
    idempotency_key: str | None,
    request_digest: str,
    trace_id: str,
    now: datetime,
    allowed: Ruling | None = None,
) -> NewTask:
    """Return the rows of a new task with its first hop, the event that tells of it, and the ruling that allowed it.

    ``allowed`` is that ruling; None: the person's role did.
    """
    task: Row = {
        "id": new_id(),
        "customer_id": principal.customer_id,
        "created_by_id": principal.user_id,
        "agent_type": agent.agent_type,
        "message": message,
        "metadata": metadata,
        "priority": priority,
        "status": TaskStatus.SUBMITTED,
        "result": None,
        "error_code": "",
        "error_message": "",
        "last_seq": 1,
        "hop_count": 1 if start else 0,
        "hop_budget": settings.A2A_HOP_BUDGET,
        "depth_reached": 0,
        "open_questions": 0,
        "input_tokens": 0,
        "output_tokens": 0,
        "cost_usd": 0,
        "idempotency_key": idempotency_key,
        "request_digest": request_digest,
        "trace_id": trace_id,
        "created_at": now,
        "started_at": None,
        "completed_at": None,
        "deadline_at": now + timedelta(seconds=settings.A2A_TASK_DEADLINE_SECONDS),
    }
    event = {
        "task_id": task["id"],
        "customer_id": principal.customer_id,
        "seq": 1,
        "type": "task.created",
        "at": now,
        "data": {"agent": agent.agent_type, "priority": priority, "message": message[:200]},
    }
    # The task's person has access to its context from here on: their own looks at it are not recorded again.
    testimony = ruling(
        principal,
        task_id=task["id"],
        agent_ve_id=agent.ve_id,
        target=agent.agent_type,
        action=Action.ACCESS_CONTEXT,
        authorized=True,
        reason=f"{principal.username} submits: {allowed.reason if allowed else f'role {principal.role}'}",
        at=now,
    )
    hops = [_first_hop(task, ve_id=agent.ve_id, at=now)] if start else []
    return NewTask(task=task, hops=hops, events=[event], authorizations=[testimony])


@on_record(action=Action.INVOKE)
def task_execute(*, principal: Principal, task_id: UUID, now: datetime) -> Task:
    """Start a task that was submitted with start=false.

    Raises:
        AuthFailed, NotFound, CustomerDisabled
        Conflict: it has been started already, or is over.
        Overloaded: too much work waits already.
    """
    check_enabled(principal.customer_id)
    found = task_get(principal=principal, task_id=task_id)
    agent, allowed = access_root_agent(principal=principal, agent_type=found.agent_type)
    with moving(found.id, now=now) as move:
        if move.task.status != TaskStatus.SUBMITTED or move.task.hop_count:
            raise Conflict(detail="The task has been started already.")
        check_backlog(found.customer_id)
        row = {"id": found.id, "customer_id": found.customer_id, "agent_type": found.agent_type}
        row |= {"message": found.message, "priority": found.priority}
        hop = Hop.objects.create(**_first_hop(row, ve_id=agent.ve_id, at=now))
        move.task.hop_count = 1
        move.testify(principal, f"starts: {allowed.reason}", agent_ve_id=agent.ve_id)
        move.wake(hop.id)
    return move.task


@on_record()
def task_cancel(*, principal: Principal, task_id: UUID, now: datetime) -> Task:
    """Cancel the task with everything under it. Agents that are being called are no longer listened to.

    Raises:
        AuthFailed, NotFound, Conflict: it is over already.
    """
    principal.require(Permission.TASK_CANCEL)
    found = task_get(principal=principal, task_id=task_id)
    with moving(found.id, now=now) as move:
        if move.ended:
            raise Conflict(detail=f"The task is {move.task.status} already.")
        move.testify(principal, f"cancels as {principal.role}")
        move.end(TaskStatus.CANCELED)
    return move.task


@on_record()
def tasks_visible(principal: Principal) -> QuerySet[Task]:
    """Return the tasks that the person may see."""
    principal.require(Permission.TASK_VIEW)
    record_admission(principal, what="lists tasks", at=timezone.now())
    return Task.objects.of_customer(principal.customer_id)


@on_record()
def task_get(*, principal: Principal, task_id: UUID) -> Task:
    """Return the task. Raises NotFound where it does not exist or belongs to another customer."""
    principal.require(Permission.TASK_VIEW)
    task = _task_of_customer.first(principal.customer_id, task_id)
    if task is None:
        raise NotFound(internal=f"task {task_id} for {principal.customer_id}")
    if task.created_by_id != principal.user_id:
        record_admission(principal, what="reads the task", task_id=task_id, at=timezone.now())
    return task


def hops_of(*, principal: Principal, task_id: UUID) -> list[Hop]:
    """Return the task's hops in the order of their creation, with their questions."""
    task = task_get(principal=principal, task_id=task_id)
    return list(task.hops.select_related("approval", "clarification").order_by("id"))


def events_after(*, principal: Principal, task_id: UUID, after: int, limit: int = 1000) -> list[TaskEvent]:
    """Return the task's events with greater numbers, at most ``limit``."""
    task = task_get(principal=principal, task_id=task_id)
    return list(task.events.filter(seq__gt=after).order_by("seq")[:limit])


def access_root_agent(*, principal: Principal, agent_type: str | None) -> tuple[Agent, Ruling]:
    """Return the agent that a task is given to, with what allows it: the one named, else the customer's root agent or
    most senior one.

    Raises:
        NotFound: there is none such, or it is disabled.
        AuthFailed: the person may not have it work for them.
    """
    if agent_type is None:
        agents = Agent.objects.of_customer(principal.customer_id)
        agent = agents.filter(is_root=True, enabled=True).first() or _most_senior(agents)
    else:
        # What is no agent's name may hold characters that the database refuses to compare with.
        named = re.fullmatch(AGENT_TYPE, agent_type)
        agent = _agent_named.first(principal.customer_id, agent_type) if named else None
    if agent is None:
        principal.require(Permission.TASK_SUBMIT)
        raise NotFound(
            internal=f"agent {agent_type!r:.100} for {principal.customer_id}", detail="There is no such agent."
        )
    allowed = may_work_for(principal, agent)
    if not allowed.authorized:
        raise AuthFailed(internal=f"{principal.username}: {allowed.reason}", detail="Your role does not allow this.")
    return agent, allowed


def check_enabled(customer_id: str) -> None:
    """Raise CustomerDisabled where nothing may begin for the customer."""
    if not terms_of(customer_id).active:
        raise CustomerDisabled(internal=f"{customer_id} is disabled")


def _most_senior(agents: QuerySet[Agent]) -> Agent | None:
    """Return the agent of the highest rank, of several the one employed longest: the natural one to begin with."""
    return min(agents.filter(enabled=True), key=lambda agent: (RANKS[agent.seniority], agent.id), default=None)


@contextmanager
def _counted(new: NewTask, *, now: datetime) -> Iterator[Admission]:
    """Count the task against its customer's limit, and not if it cannot be saved. A repeated request counts once."""
    customer_id, key = new.task["customer_id"], new.task["idempotency_key"]
    hit = terms_of(customer_id).table.customer_tasks(customer_id=customer_id)
    operation_id = f"key:{key}" if key is not None else f"task:{new.task['id']}"
    admission = limiter().acquire([hit], operation_id=operation_id, now=now)
    if not admission.admitted:
        metrics.RATE_LIMIT_HITS.labels("customer", customer_id).inc()
        raise exceeded(admission)
    try:
        yield admission
    except DatabaseError:
        limiter().give_back([hit.scope], operation_id=operation_id)
        raise


def _first_hop(task: Row, *, ve_id: str, at: datetime) -> Row:
    return hop_row(
        id=new_id(),
        task_id=task["id"],
        customer_id=task["customer_id"],
        agent_type=task["agent_type"],
        agent_ve_id=ve_id,
        depth=0,
        path=[task["agent_type"]],
        instruction=task["message"],
        priority=PRIORITY_RANK[Priority(task["priority"])],
        status=HopStatus.PENDING,
        at=at,
    )


def _check_message(message: str) -> None:
    if not message.strip():
        raise ValidationFailed(detail="message: must not be empty.")
    check_storable("message", message)
    if len(message.encode()) > settings.A2A_MESSAGE_MAX_BYTES:
        raise PayloadTooLarge(detail=f"message: must be at most {settings.A2A_MESSAGE_MAX_BYTES} bytes.")


def _check_idempotency_key(key: str | None) -> None:
    if key is not None and not (0 < len(key) <= _IDEMPOTENCY_KEY_LENGTH and key.isascii() and key.isprintable()):
        raise ValidationFailed(detail="Idempotency-Key: 1 to 255 printable ASCII characters.")


def _checked_priority(priority: str) -> Priority:
    if priority not in Priority.values:
        raise ValidationFailed(detail=f"priority: must be one of {', '.join(Priority.values)}.")
    return Priority(priority)


def _digest(request: list[object]) -> str:
    return hashlib.sha256(orjson.dumps(request, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _trace_id(traceparent: str) -> str:
    """Return the caller's trace id, or a new one where it sent none that is valid."""
    match = _TRACEPARENT.match(traceparent)
    return match[1] if match else secrets.token_hex(16)


def _replayed(new: NewTask) -> Task:
    task = Task.objects.get(customer_id=new.task["customer_id"], idempotency_key=new.task["idempotency_key"])
    if task.request_digest != new.task["request_digest"]:
        raise Conflict(detail="Idempotency-Key: it was used with another request.")
    return task


def _announce_new(new: NewTask) -> None:
    task_id = new.task["id"]
    transaction.on_commit(lambda: feed.announce({task_id: (new.task["customer_id"], 1)}))
    for hop in new.hops:
        transaction.on_commit(partial(bell.ring, hop["id"]))
