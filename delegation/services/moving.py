"""Changing a task outside the loop: under its lock, with its events numbered, its watchers and workers told after."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Case, Q, QuerySet, Value, When

from audit.models import AuthorizationLog
from delegation import metrics
from delegation.actors import bell
from delegation.live.feed import feed
from delegation.models import Approval, Clarification, Hop, Task, TaskEvent
from delegation.states import HOP_ENDED, TASK_ENDED, HopStatus, QuestionStatus, TaskStatus
from delegation.store.plain import end_branch
from delegation.store.records import BranchEnd, Row
from delegation.store.rows import new_id
from security.errors import PlatformError
from security.principal import Principal
from security.testimony import Action, agent_ruling, ruling


class Moving:
    """A locked task being changed. Nothing is saved before ``save``."""

    def __init__(self, task: Task, *, now: datetime) -> None:
        self.task = task
        self.now = now
        self._events: list[tuple[str, Row]] = []
        self._wakes: list[UUID] = []
        self._rulings: list[AuthorizationLog] = []

    @property
    def ended(self) -> bool:
        return self.task.status in TASK_ENDED

    def tell(self, type_: str, **data: object) -> None:
        """Add an event."""
        self._events.append((type_, data))

    def wake(self, hop_id: UUID) -> None:
        """Have a worker look at the hop once the change is committed."""
        self._wakes.append(hop_id)

    def testify(self, principal: Principal, what: str, *, agent_ve_id: str = "") -> None:
        """Put on record that the person was let in to the task's context, and what for."""
        row = ruling(
            principal,
            task_id=self.task.id,
            agent_ve_id=agent_ve_id,
            target=self.task.agent_type,
            action=Action.ACCESS_CONTEXT,
            authorized=True,
            reason=f"{principal.username} {what}",
            at=self.now,
        )
        self._rulings.append(AuthorizationLog(**row))

    def testify_of_agent(self, hop: Hop, what: str) -> None:
        """Put on record that the hop's agent was let in to the task, and by what."""
        row = agent_ruling(
            customer_id=hop.customer_id,
            task_id=self.task.id,
            agent_ve_id=hop.agent_ve_id,
            target=hop.agent_type,
            reason=what,
            at=self.now,
        )
        self._rulings.append(AuthorizationLog(**row))

    def answered(self) -> None:
        """Count one open question less; with the last one the task works on, unless it has ended with it."""
        if self.ended:
            return
        self.task.open_questions -= 1
        if self.task.open_questions == 0:
            self.task.status = TaskStatus.WORKING
            self.tell("task.working")

    def cancel_hops(self, hops: QuerySet[Hop]) -> None:
        """Cancel those of the hops that are not over, with the questions they wait for."""
        open_ids = list(hops.exclude(status__in=HOP_ENDED).order_by("id").values_list("id", flat=True))
        for hop_id in open_ids:
            self.tell("hop.canceled", delegation_id=str(hop_id))
        Hop.objects.filter(id__in=open_ids).update(
            status=HopStatus.CANCELED, owner=None, due_at=self._agent_is_told(), completed_at=self.now
        )
        for model in (Approval, Clarification):
            questions = model.objects.filter(hop_id__in=open_ids, status=QuestionStatus.OPEN)
            closed = questions.update(status=QuestionStatus.CANCELED, resolved_at=self.now)
            self.task.open_questions -= closed

    def end(self, status: TaskStatus, error: PlatformError | None = None) -> None:
        """End the task with everything under it: hops, questions."""
        self.cancel_hops(Hop.objects.filter(task=self.task))
        self.task.open_questions = 0
        self.task.status = status
        self.task.completed_at = self.now
        told: Row = {}
        if error is not None:
            self.task.error_code, self.task.error_message = error.code, error.user_message
            told["error"] = {"code": error.code, "message": error.user_message}
        self.tell(f"task.{status}", **told)
        seconds = (self.now - self.task.created_at).total_seconds()
        duration = metrics.task_duration(self.task.hop_count, self.task.depth_reached)
        transaction.on_commit(partial(duration.observe, seconds))

    def fail_hop(self, hop: Hop, error: PlatformError, *, ending: TaskStatus) -> None:
        """Fail a waiting hop: its branch gets the error as its outcome, or the task ends with it."""
        shown = self._stop(hop, HopStatus.FAILED, error)
        self.tell("hop.failed", delegation_id=str(hop.id), error=shown, execution_time_seconds=None)
        self._end_with(hop, error, ending=ending)

    def cancel_hop(self, hop: Hop, error: PlatformError) -> None:
        """Cancel one hop that is under way: its branch gets the error as its outcome, or the task is cancelled."""
        shown = self._stop(hop, HopStatus.CANCELED, error)
        self.tell("hop.canceled", delegation_id=str(hop.id), error=shown)
        self._end_with(hop, error, ending=TaskStatus.CANCELED)

    def _stop(self, hop: Hop, status: HopStatus, error: PlatformError) -> Row:
        Hop.objects.filter(id=hop.id).update(
            status=status,
            owner=None,
            due_at=self._agent_is_told(),
            error_code=error.code,
            error_message=error.user_message,
            completed_at=self.now,
        )
        return {"code": error.code, "message": error.user_message}

    def _agent_is_told(self) -> Case:
        """Return when a hop that ends early is due once more: now, where a task of its agent's own is under way."""
        return Case(When(~Q(remote_task_id=""), then=Value(self.now)), default=None)

    def _end_with(self, hop: Hop, error: PlatformError, *, ending: TaskStatus) -> None:
        """Go on without the hop: with its split's other branches, or not at all."""
        if hop.join_id is None:
            self.end(ending, error)
            return
        ended = BranchEnd(split_id=hop.join_id, resume_id=new_id(), succeeded=False)
        if end_branch(ended, at=self.now):
            self.task.hop_count += 1
            self.wake(ended.resume_id)

    def save(self) -> None:
        """Save the task with its new events; tell watchers and workers when the transaction is committed."""
        first = self.task.last_seq + 1
        numbered = [
            TaskEvent(task=self.task, customer_id=self.task.customer_id, seq=seq, type=type_, at=self.now, data=data)
            for seq, (type_, data) in enumerate(self._events, first)
        ]
        TaskEvent.objects.bulk_create(numbered)
        AuthorizationLog.objects.bulk_create(self._rulings)
        self.task.last_seq += len(numbered)
        self.task.save()
        moved = {self.task.id: (self.task.customer_id, self.task.last_seq)}
        transaction.on_commit(lambda: feed.announce(moved))
        for hop_id in self._wakes:
            transaction.on_commit(partial(bell.ring, hop_id))


@contextmanager
def moving(task_id: UUID, *, now: datetime) -> Iterator[Moving]:
    """Lock the task for a change and save it at the end of the block.

    Raises:
        Task.DoesNotExist: there is no such task.
    """
    with transaction.atomic():
        move = Moving(Task.objects.select_for_update().get(id=task_id), now=now)
        yield move
        move.save()
