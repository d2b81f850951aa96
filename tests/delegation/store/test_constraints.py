"""What the database refuses, and the tables of what may follow what."""

from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from delegation.models import Hop, Task
from delegation.services.tasks import task_submit
from delegation.states import HOP_ENDED, HOP_TRANSITIONS, TASK_ENDED, TASK_TRANSITIONS, HopStatus, TaskStatus
from tests.delegation.rows import employ
from tests.people import Cast

pytestmark = pytest.mark.django_db


def submit(people: Cast) -> None:
    employ("writer")
    task_submit(principal=people.alice.principal, message="Write.", agent_type="writer", now=timezone.now())


CONTRADICTIONS: list[tuple[type[models.Model], dict[str, Any]]] = [
    (Task, {"status": "completed", "result": None}),
    (Task, {"status": "failed", "error_code": ""}),
    (Hop, {"status": "failed", "error_code": ""}),
    (Hop, {"status": "completed", "action": "handle", "result": None}),
    (Hop, {"status": "running", "owner": None}),
    (Hop, {"status": "pending", "owner": UUID(int=8)}),
    (Hop, {"pending_branches": -1}),
]


@pytest.mark.parametrize(("model", "columns"), CONTRADICTIONS)
def test_the_database_refuses_a_contradiction(people: Cast, model: type[models.Model], columns: dict[str, Any]) -> None:
    submit(people)

    with pytest.raises(IntegrityError), transaction.atomic():
        model._default_manager.update(**columns)


def test_a_hop_is_resumed_once(people: Cast) -> None:
    submit(people)
    hop = Hop.objects.get()
    same = {"task_id": hop.task_id, "customer_id": "techcorp", "depth": 0, "created_at": timezone.now()}
    Hop.objects.create(resumes=hop, attempt=2, **same)

    with pytest.raises(IntegrityError), transaction.atomic():
        Hop.objects.create(resumes=hop, attempt=2, **same)


def test_every_state_is_in_its_table_and_the_ends_lead_nowhere() -> None:
    for table, states in ((TASK_TRANSITIONS, TaskStatus), (HOP_TRANSITIONS, HopStatus)):
        assert set(table) == set(states)
        reached = {state for following in table.values() for state in following}
        assert set(states) - reached <= {states("submitted") if states is TaskStatus else states("pending")}
    assert {"completed", "failed", "canceled", "rejected"} == TASK_ENDED
    assert {"completed", "failed", "canceled"} == HOP_ENDED
