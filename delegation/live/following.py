"""What is new to one websocket: read from the database, so that nothing is lost and nothing told twice."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from functools import reduce
from itertools import islice
from operator import or_
from typing import Protocol
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from delegation.models import TaskEvent
from delegation.services import tasks
from delegation.states import TASK_ENDED, TaskStatus
from security.principal import Principal

BATCH = 500
_TASKS_AT_ONCE = 50
# A wake-up comes within moments of what it tells of; one for a task that ended longer ago tells nothing new.
_REMEMBERED = timedelta(minutes=10)
_LATE = timedelta(minutes=5)
_ACTIVE = [status for status in TaskStatus if status not in TASK_ENDED]


class Follower(Protocol):
    """Give what is new, in batches, each task's events in order. Every batch is one or two queries."""

    def batches(self, moved: Collection[UUID] | None) -> Iterator[list[TaskEvent]]:
        """Yield what is new of the tasks that moved, or (with None) of whichever did."""
        ...


class TaskFollower:
    """Follow one task, from the event after the one that the client has seen last."""

    def __init__(self, *, principal: Principal, task_id: UUID, after: int) -> None:
        """Raise NotFound where there is no such task for this customer."""
        tasks.task_get(principal=principal, task_id=task_id)
        self._principal = principal
        self._task_id = task_id
        self._seen = after

    def batches(self, moved: Collection[UUID] | None) -> Iterator[list[TaskEvent]]:  # noqa: ARG002  it is always this one
        while events := self._next():
            self._seen = events[-1].seq
            yield events
            if len(events) < BATCH:
                return

    def _next(self) -> list[TaskEvent]:
        return tasks.events_after(principal=self._principal, task_id=self._task_id, after=self._seen, limit=BATCH)


class CustomerFollower:
    """Follow all tasks of a customer, from now on."""

    def __init__(self, *, principal: Principal, now: datetime) -> None:
        self._principal = principal
        self._since = now
        self._looked_at = now
        active = tasks.tasks_visible(principal).filter(status__in=_ACTIVE).order_by()
        self._seen: dict[UUID, int] = dict(active.values_list("id", "last_seq"))
        self._ended: dict[UUID, datetime] = {}

    def batches(self, moved: Collection[UUID] | None) -> Iterator[list[TaskEvent]]:
        newest = self._newest(moved)
        behind = {task_id: seq for task_id, seq in newest.items() if seq > self._seen[task_id]}
        while behind and (events := self._next(islice(behind, _TASKS_AT_ONCE))):
            for event in events:
                self._seen[event.task_id] = event.seq
            yield events
            behind = {task_id: seq for task_id, seq in behind.items() if seq > self._seen[task_id]}

    def _newest(self, moved: Collection[UUID] | None) -> dict[UUID, int]:
        """Return the number of the newest event of each task that may have moved."""
        now = timezone.now()
        self._forget(now)
        which = Q(id__in=list(moved)) if moved is not None else self._whichever(now)
        rows = tasks.tasks_visible(self._principal).filter(which).order_by()
        newest: dict[UUID, int] = {}
        for task_id, seq, completed_at in rows.values_list("id", "last_seq", "completed_at"):
            newest[task_id] = seq
            self._notice(task_id, seq, completed_at, now)
        return newest

    def _whichever(self, now: datetime) -> Q:
        """Return the tasks that may have moved unnoticed: active, known as active, or new since the last look."""
        # Ids begin with their time in milliseconds; some may be committed a while after they were drawn.
        since = self._looked_at - timedelta(seconds=30)
        first = UUID(int=int(since.timestamp() * 1000) << 80)
        self._looked_at = now
        known = [task_id for task_id in self._seen if task_id not in self._ended]
        return Q(status__in=_ACTIVE) | Q(id__gte=first) | Q(id__in=known)

    def _notice(self, task_id: UUID, seq: int, completed_at: datetime | None, now: datetime) -> None:
        if task_id not in self._seen:
            # Neither active at the start nor ended before: it is new, and its first event is still to be told.
            told_before = completed_at is not None and completed_at < max(self._since, now - _LATE)
            self._seen[task_id] = seq if told_before else 0
        if completed_at is not None:
            self._ended.setdefault(task_id, now)

    def _forget(self, now: datetime) -> None:
        for task_id in [each for each, at in self._ended.items() if at < now - _REMEMBERED]:
            del self._ended[task_id]
            del self._seen[task_id]

    def _next(self, task_ids: Iterable[UUID]) -> list[TaskEvent]:
        unseen = reduce(or_, (Q(task_id=task_id, seq__gt=self._seen[task_id]) for task_id in task_ids))
        events = TaskEvent.objects.of_customer(self._principal.customer_id).filter(unseen)
        return list(events.order_by("task_id", "seq")[:BATCH])
