"""What is true of a task's rows at every moment, whatever has happened so far; and how they may have changed."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from uuid import UUID

from audit.models import DelegationLog
from delegation.models import Approval, Clarification, Hop, Task, TaskEvent
from delegation.states import (
    HOP_ENDED,
    HOP_TRANSITIONS,
    TASK_ENDED,
    TASK_TRANSITIONS,
    Action,
    HopStatus,
    QuestionStatus,
    TaskStatus,
)


@dataclass(slots=True)
class Observed:
    """The states at one moment."""

    tasks: dict[UUID, TaskStatus] = field(default_factory=dict)
    hops: dict[UUID, HopStatus] = field(default_factory=dict)

    @classmethod
    def now(cls) -> "Observed":
        tasks = {id_: TaskStatus(status) for id_, status in Task.objects.values_list("id", "status")}
        hops = {id_: HopStatus(status) for id_, status in Hop.objects.values_list("id", "status")}
        return cls(tasks=tasks, hops=hops)


def check_change(before: Observed, after: Observed) -> None:
    """Hold what has moved against the tables of transitions; nothing ever vanishes."""
    assert before.tasks.keys() <= after.tasks.keys()
    assert before.hops.keys() <= after.hops.keys()
    for task_id, was in before.tasks.items():
        status = after.tasks[task_id]
        assert status == was or status in TASK_TRANSITIONS[was], f"task: {was} to {status}"
    for hop_id, stood in before.hops.items():
        stands = after.hops[hop_id]
        assert stands == stood or stands in HOP_TRANSITIONS[stood], f"hop: {stood} to {stands}"


def check_rows() -> None:
    """Hold every task with its hops, questions, events and decisions against what is always true."""
    hops: dict[UUID, list[Hop]] = defaultdict(list)
    for hop in Hop.objects.order_by("id"):
        hops[hop.task_id].append(hop)
    logged = Counter(DelegationLog.objects.values_list("hop_id", flat=True))
    for task in Task.objects.all():
        _check_task(task, hops[task.id])
        _check_events(task)
        _check_splits(hops[task.id])
        for hop in hops[task.id]:
            _check_hop(task, hop, logged=logged[hop.id])


def _check_task(task: Task, hops: list[Hop]) -> None:
    ended = task.status in TASK_ENDED
    assert task.hop_count == len(hops), f"counts {task.hop_count} of {len(hops)} hops"
    assert sum(hop.resumes_id is None for hop in hops) <= task.hop_budget
    questions = sum(
        model.objects.filter(task=task, status=QuestionStatus.OPEN).count() for model in (Approval, Clarification)
    )
    assert task.open_questions == questions, f"counts {task.open_questions} of {questions} questions"
    if ended:
        assert questions == 0
        left = [str(hop) for hop in hops if hop.status not in HOP_ENDED]
        assert not left, f"{task.status} with {left}"
    elif task.status != TaskStatus.SUBMITTED:
        assert (task.status == TaskStatus.INPUT_REQUIRED) == bool(questions), f"{task.status}, {questions} open"
        assert any(hop.status not in HOP_ENDED for hop in hops), "nothing is left to do, and it has not ended"
    assert (task.completed_at is not None) == ended
    assert (task.result is not None) == (task.status == TaskStatus.COMPLETED)


def _check_events(task: Task) -> None:
    events = list(TaskEvent.objects.filter(task=task).order_by("seq").values_list("seq", "type"))
    assert [seq for seq, _ in events] == list(range(1, task.last_seq + 1))
    ends = [seq for seq, type_ in events if type_.removeprefix("task.") in TASK_ENDED]
    assert ends == ([task.last_seq] if task.status in TASK_ENDED else []), events
    # Nobody is told twice in a row that nothing has changed.
    assert ("task.working", "task.working") not in pairwise(type_ for _, type_ in events)


def _check_hop(task: Task, hop: Hop, *, logged: int) -> None:
    assert (hop.owner is not None) == (hop.status == HopStatus.RUNNING), f"{hop} belongs to {hop.owner}"
    assert (hop.completed_at is not None) == (hop.status in HOP_ENDED)
    assert logged <= 1, f"{hop}: {logged} decisions"
    if hop.action is not None:
        assert logged == 1, f"{hop}: a decision that is not logged"
    told = TaskEvent.objects.filter(task=task, data__delegation_id=str(hop.id))
    assert told.filter(type="hop.decided").count() <= 1
    ends = told.filter(type__in=["hop.failed", "hop.canceled"]).count()
    assert ends == (hop.status in (HopStatus.FAILED, HopStatus.CANCELED)), f"{hop}: {ends} ends told"


def _check_splits(hops: list[Hop]) -> None:
    for split in hops:
        resumed = [hop for hop in hops if hop.resumes_id == split.id]
        goes_on = split.action in (Action.PARALLEL, Action.ASK_CLARIFICATION) and split.status == HopStatus.COMPLETED
        assert len(resumed) == goes_on, f"{split} went on {len(resumed)} times"
        if split.action == Action.PARALLEL and split.status == HopStatus.WAITING:
            ended = _ended_branches(hop for hop in hops if hop.join_id == split.id)
            branches = len([hop for hop in hops if hop.parent_id == split.id and hop.attempt == 1])
            assert split.pending_branches == branches - len(ended) > 0
            if split.wanted_branches is not None:
                assert split.wanted_branches > 0


def _ended_branches(hops: Iterable[Hop]) -> set[int | None]:
    """Return the branches that have come to their outcome. Cancelled ones come to none."""
    handled = (HopStatus.COMPLETED, Action.HANDLE)
    return {hop.branch for hop in hops if hop.status == HopStatus.FAILED or (hop.status, hop.action) == handled}
