"""What is left of a split that went on before all its branches had ended."""

from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from delegation.models import Hop
from delegation.services.moving import moving
from delegation.states import HopStatus, TaskStatus

_OPEN = (HopStatus.PENDING, HopStatus.RUNNING, HopStatus.WAITING)
_MOST_AT_ONCE = 200


def superfluous_cancel(*, now: datetime) -> int:
    """Cancel the open branches of splits that need them no more, and let those go on; return of how many splits."""
    left = Hop.objects.filter(join__status=HopStatus.COMPLETED, status__in=_OPEN, join__isnull=False)
    found = (left.values_list("task_id", "join_id").distinct(), _held_back().values_list("task_id", "resumes_id"))
    splits = {split for splits in found for split in splits.order_by()[:_MOST_AT_ONCE]}
    for task_id, split_id in splits:
        branches_cancel(task_id=task_id, split_id=split_id, now=now)
    return len(splits)


def branches_cancel(*, task_id: UUID, split_id: UUID, now: datetime) -> None:
    """Cancel whatever is open under the split, however deep, and let the split go on without it."""
    with moving(task_id, now=now) as move:
        if move.ended:
            return
        level = [split_id]
        while level:
            branches = Hop.objects.filter(join_id__in=level)
            move.cancel_hops(branches)
            level = list(branches.filter(action="parallel").values_list("id", flat=True))
        if move.task.status == TaskStatus.INPUT_REQUIRED and move.task.open_questions == 0:
            move.task.status = TaskStatus.WORKING
            move.tell("task.working")
        _held_back().filter(resumes_id=split_id).update(status=HopStatus.PENDING)


def _held_back() -> QuerySet[Hop]:
    """Return the hops that go on from a split, and wait until its other branches are cancelled."""
    return Hop.objects.filter(resumes__isnull=False, status=HopStatus.WAITING, claim=0)
