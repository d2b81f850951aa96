"""A task that begins in the worker it is submitted to reads like one that was saved and claimed."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from delegation.loop.beginning import begun
from delegation.models import Hop, Task, TaskEvent
from delegation.services.tasks import prepared_task
from delegation.states import Priority
from delegation.store import ClaimedHop, NewTask, store_for_database
from tests.delegation.rows import employ
from tests.people import Cast

pytestmark = pytest.mark.django_db

WORKER = UUID(int=7)


def prepared(people: Cast, *, at: datetime) -> NewTask:
    return prepared_task(
        principal=people.alice.principal,
        agent=employ("writer") if not Task.objects.exists() else Task.objects.get().customer.agents.get(),
        message="Write a launch post.",
        priority=Priority.HIGH,
        start=True,
        metadata={"campaign": 7},
        idempotency_key=None,
        request_digest="",
        trace_id="a" * 32,
        now=at,
    )


def begin(new: NewTask, *, at: datetime) -> ClaimedHop:
    task, hop = begun(new, owner=WORKER, agent_name="Writer", at=at)
    assert store_for_database().commit([task], [])[0] == [True]
    return hop


def save_and_claim(new: NewTask, *, at: datetime) -> ClaimedHop:
    store = store_for_database()
    store.commit([new], [])
    (hop,) = store.claim(owner=WORKER, limit=10, now=at).hops
    return hop


def story(hop: ClaimedHop) -> list[dict[str, Any]]:
    """Return the task's rows and the hop as its worker holds it, without what differs from task to task."""
    own = {str(hop.id): "hop", str(hop.task.id): "task"}
    rows = [
        *Task.objects.filter(id=hop.task.id).values(),
        *Hop.objects.filter(task_id=hop.task.id).values(),
        *TaskEvent.objects.filter(task_id=hop.task.id).order_by("seq").values(),
        {**hop._asdict(), "task": hop.task._asdict()},
    ]
    return [plain(row, own) for row in rows]


def plain(row: dict[str, Any], own: dict[str, str]) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if not (name == "id" and isinstance(value, int))}
    return {
        name: plain(value, own) if isinstance(value, dict) else own.get(str(value), value)
        for name, value in kept.items()
    }


def test_a_task_begun_in_its_worker_reads_like_one_that_was_claimed(people: Cast) -> None:
    at = timezone.now()
    first = begin(prepared(people, at=at), at=at)
    second = save_and_claim(prepared(people, at=at), at=at)

    assert story(first) == story(second)
