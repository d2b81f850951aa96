"""Workers that look at the same moment do not wait for each other, and know what they have left to one another."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from delegation.models import Task
from delegation.services.tasks import task_submit
from delegation.store import Claims, store_for_database
from security.rows import PLATFORM
from tests.delegation.rows import employ
from tests.people import Cast

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer"),
    pytest.mark.django_db(transaction=True),
]


@contextmanager
def somebody_at(task: Task) -> Iterator[None]:
    """Hold the task's row in a transaction of another connection."""
    parameters = connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}
    with psycopg.connect(**parameters) as other:
        other.execute(f"SET LOCAL ROLE {PLATFORM}")
        other.execute("SELECT 1 FROM delegation_task WHERE id = %s FOR UPDATE", [task.id])
        yield


def look() -> Claims:
    return store_for_database().claim(owner=UUID(int=7), limit=10, now=timezone.now())


def test_what_another_is_at_is_passed_by_and_told_of(people: Cast) -> None:
    employ("writer")
    assert look() == Claims(hops=(), last_seqs={}, passed_by=0)
    first, second = (
        task_submit(principal=people.alice.principal, message="m", agent_type="writer", now=timezone.now()).task
        for _ in range(2)
    )

    with somebody_at(first):
        beside = look()
    after = look()

    assert ([hop.task.id for hop in beside.hops], beside.passed_by) == ([second.id], 1)
    assert ([hop.task.id for hop in after.hops], after.passed_by) == ([first.id], 0)
