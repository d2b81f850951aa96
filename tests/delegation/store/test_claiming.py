"""Who is claimed next: each customer in turn, by priority, in the order they fell due, as far as agents have places."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from delegation.loop import account as accounts
from delegation.loop.account import Account
from delegation.models import Agent, Hop
from delegation.services.tasks import task_submit
from delegation.states import HopStatus
from delegation.store import ClaimedHop, Store
from delegation.store.plain import PlainStore
from delegation.store.postgres import PostgresStore
from tests.delegation.rows import employ
from tests.people import Cast, Person

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
STORES: list[type[Store]] = [PlainStore, PostgresStore] if connection.vendor == "postgresql" else [PlainStore]

pytestmark = pytest.mark.django_db


@pytest.fixture(params=STORES, ids=lambda store: store.__name__)
def store(request: pytest.FixtureRequest) -> Store:
    made: Store = request.param()
    return made


@pytest.fixture(autouse=True)
def _teams(people: Cast) -> None:
    for customer_id in ("techcorp", "acmecorp"):
        for agent_type in ("writer", "editor"):
            employ(agent_type, customer_id=customer_id)


def pending(person: Person, count: int = 1, agent_type: str = "writer", **details: Any) -> list[UUID]:
    now = timezone.now()
    tasks = [
        task_submit(principal=person.principal, message="m", agent_type=agent_type, now=now, **details).task
        for _ in range(count)
    ]
    return [Hop.objects.get(task_id=task.id).id for task in tasks]


def due(person: Person, count: int = 1, agent_type: str = "writer", **details: Any) -> list[UUID]:
    """Return parked hops that are due, the one longest due first."""
    ids = pending(person, count, agent_type, **details)
    for place, hop_id in enumerate(reversed(ids)):
        due_at = NOW - timedelta(seconds=place + 1)
        Hop.objects.filter(id=hop_id).update(status=HopStatus.WAITING, due_at=due_at, remote_task_id="r", claim=1)
    return ids


def claimed(store: Store, limit: int = 100, **more: Any) -> list[ClaimedHop]:
    return list(store.claim(owner=UUID(int=7), limit=limit, now=NOW, **more).hops)


def ids(hops: list[ClaimedHop]) -> list[UUID]:
    return [hop.id for hop in hops]


def test_parked_hops_wake_in_the_order_they_fell_due(store: Store, people: Cast) -> None:
    in_order = due(people.alice, 20)
    late = due(people.alice)[0]
    Hop.objects.filter(id=late).update(due_at=NOW + timedelta(seconds=1))

    woken = [*claimed(store, 7), *claimed(store, 7), *claimed(store, 7), *claimed(store, 7)]

    assert ids(woken) == in_order


def test_a_customer_with_many_due_hops_starves_nobody(store: Store, people: Cast) -> None:
    due(people.alice, 40)
    others = [*due(people.zoe), *pending(people.zoe)]

    assert set(others) < set(ids(claimed(store, 4)))


def test_a_customer_with_many_pending_hops_starves_nobody(store: Store, people: Cast) -> None:
    pending(people.alice, 40)
    others = [*due(people.zoe), *pending(people.zoe)]

    assert set(others) < set(ids(claimed(store, 4)))


def test_more_urgent_work_comes_first_and_of_the_same_what_is_due(store: Store, people: Cast) -> None:
    (later,), (waits,), (urgent,) = pending(people.alice), due(people.alice), pending(people.alice, priority="urgent")

    assert ids(claimed(store)) == [urgent, waits, later]


def test_an_agent_gets_no_more_than_it_has_places_for(store: Store, people: Cast) -> None:
    Agent.objects.filter(customer_id="techcorp", agent_type="writer").update(max_concurrency=3)
    due(people.alice, 4)
    pending(people.alice, 4)
    pending(people.alice, 5, "editor")
    pending(people.zoe, 4)

    hops = claimed(store, agent_limit=2, taken={("techcorp", "writer"): 1, ("acmecorp", "writer"): 9})

    assert sorted((hop.task.customer_id, hop.agent_type) for hop in hops) == [
        ("techcorp", "editor"),
        ("techcorp", "editor"),
        ("techcorp", "writer"),
        ("techcorp", "writer"),
    ]


def test_whoever_waits_behind_a_busy_agent_is_reached(store: Store, people: Cast) -> None:
    due(people.alice, 30)
    pending(people.alice, 30)
    (editor,) = pending(people.alice, 1, "editor")
    (due_editor,) = due(people.alice, 1, "editor")

    assert ids(claimed(store, 8, taken={("techcorp", "writer"): 5}, agent_limit=5)) == [due_editor, editor]


def test_a_hop_whose_agent_reported_meanwhile_is_due_at_once(store: Store, people: Cast) -> None:
    pending(people.alice)
    (hop,) = claimed(store)
    Hop.objects.filter(id=hop.id).update(due_at=NOW)
    parked = accounts.parked(Account(hop=hop, at=NOW), remote_task_id="r", due_at=NOW + timedelta(hours=1))

    (settled,) = store.commit([], [parked])[1]

    assert settled.held
    assert Hop.objects.get(id=hop.id).due_at == NOW
    (again,) = claimed(store)
    asked = parked._replace(hop=again, changes={**parked.changes, "due_at": None})
    assert store.commit([], [asked])[1][0].held
    assert Hop.objects.get(id=hop.id).due_at is None
