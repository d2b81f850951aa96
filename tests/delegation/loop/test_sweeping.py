"""The sweep looks at what is due, however much is over and done with."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from delegation.loop.sweeper import tasks_late
from delegation.models import Task
from delegation.services.tasks import task_submit
from delegation.states import TaskStatus
from tests.delegation.rows import employ
from tests.people import Cast

pytestmark = pytest.mark.django_db


def submitted(people: Cast, *, status: TaskStatus = TaskStatus.SUBMITTED) -> Task:
    """Return a task that was due a minute ago."""
    now = timezone.now()
    task = task_submit(
        principal=people.alice.principal, message="Write a post.", agent_type="writer", start=False, now=now
    ).task
    Task.objects.filter(id=task.id).update(deadline_at=now - timedelta(minutes=1), status=status, result="done")
    return task


def test_only_what_is_late_and_not_over_is_due(people: Cast) -> None:
    employ("writer")
    late = [submitted(people, status=status) for status in (TaskStatus.SUBMITTED, TaskStatus.INPUT_REQUIRED)]
    submitted(people, status=TaskStatus.COMPLETED)
    assert {task.id for task in tasks_late(timezone.now())} == {task.id for task in late}
    assert not tasks_late(timezone.now() - timedelta(hours=1)).exists()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="the plan is PostgreSQL's")
def test_what_is_over_is_not_even_read(people: Cast) -> None:
    employ("writer")
    submitted(people)
    with connection.cursor() as cursor:
        # A table of a few rows is read as a whole, unless that is made dear.
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "task_deadline" in tasks_late(timezone.now()).order_by().explain()
