"""What time ends: tasks past their deadline, questions that nobody answered. Called by the sweep."""

from datetime import datetime
from uuid import UUID

from delegation.errors import DeadlineExceeded, QuestionExpired
from delegation.models import Approval, Clarification
from delegation.services.moving import moving
from delegation.states import QuestionStatus, TaskStatus


def task_expire(*, task_id: UUID, now: datetime) -> None:
    """Fail the task if it is still at work past its deadline."""
    with moving(task_id, now=now) as move:
        if not move.ended and move.task.deadline_at <= now:
            move.end(TaskStatus.FAILED, DeadlineExceeded())


def approval_expire(approval_id: UUID, *, now: datetime) -> None:
    """Expire an approval that is still open; the delegation it was asked for fails."""
    found = Approval.objects.get(id=approval_id)
    with moving(found.task_id, now=now) as move:
        if not _expire(Approval, approval_id, now=now):
            return
        move.tell("approval.expired", approval_id=str(approval_id), delegation_id=str(found.hop_id))
        move.fail_hop(found.hop, QuestionExpired(), ending=TaskStatus.FAILED)
        move.answered()


def approval_escalate(approval_id: UUID, *, now: datetime) -> None:
    """Leave an approval that nobody has decided on to the role it escalates to."""
    found = Approval.objects.get(id=approval_id)
    with moving(found.task_id, now=now) as move:
        due = Approval.objects.filter(id=approval_id, status=QuestionStatus.OPEN, escalates_at__lte=now)
        if due.update(decider=found.escalates_to, escalates_at=None) == 1:
            told = {"approval_id": str(approval_id), "delegation_id": str(found.hop_id)}
            move.tell("approval.escalated", **told, to=found.escalates_to)


def clarification_expire(clarification_id: UUID, *, now: datetime) -> None:
    """Expire a question that is still open; the hop that asked it fails."""
    found = Clarification.objects.get(id=clarification_id)
    with moving(found.task_id, now=now) as move:
        if not _expire(Clarification, clarification_id, now=now):
            return
        move.tell("clarification.expired", clarification_id=str(clarification_id), delegation_id=str(found.hop_id))
        move.fail_hop(found.hop, QuestionExpired(), ending=TaskStatus.FAILED)
        move.answered()


def _expire(model: type[Approval] | type[Clarification], id_: UUID, *, now: datetime) -> bool:
    """Return whether it was this call that expired it: an answer may have come first."""
    open_one = model.objects.filter(id=id_, status=QuestionStatus.OPEN)
    return open_one.update(status=QuestionStatus.EXPIRED, resolved_at=now) == 1
