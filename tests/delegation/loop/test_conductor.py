"""A hop during which the database goes away is left as it stands, for a worker to take up."""

import asyncio
from datetime import datetime
from uuid import UUID

import pytest
from django.db import DataError, OperationalError
from django.utils import timezone

from delegation.gateway import Gateway
from delegation.loop.admission import Gate
from delegation.loop.asking import Asker
from delegation.loop.budgets import Budgets
from delegation.loop.circuits import Circuits
from delegation.loop.conductor import Conductor
from delegation.loop.pauses import POLLING, POLLING_BESIDE_PUSH
from delegation.loop.places import Places
from delegation.loop.roster import Roster, Rosters
from delegation.services.tasks import task_submit
from delegation.states import HopStatus
from delegation.store import Settled, Settlement, store_for_database
from security.leakage import Detector
from security.limits import AsyncBudgetLedger, AsyncLimiter, AsyncMemoryStore, MemoryStore, Spend
from security.outbound import AddressPolicy
from tests.delegation.rows import employ
from tests.people import Cast

pytestmark = pytest.mark.django_db


async def save_nothing(agent_id: UUID, open_until: object) -> None: ...


async def spent_nothing(task_id: UUID | None, customer_id: str, at: datetime) -> Spend:
    return Spend(tokens=0, micro_usd=0)


def settlements_of_a_hop_whose_reading_fails(people: Cast, error: Exception) -> list[Settlement]:
    """Run the hop of a new task where reading the roster raises the error; return what it settled."""
    employ("writer")
    task_submit(principal=people.alice.principal, message="m", agent_type="writer", now=timezone.now())
    (hop,) = store_for_database().claim(owner=UUID(int=1), limit=1, now=timezone.now()).hops
    settled: list[Settlement] = []

    async def fail(customer_id: str) -> Roster:
        raise error

    async def settle(settlement: Settlement, *, meanwhile: object = None) -> Settled:
        settled.append(settlement)
        return Settled(held=True)

    async def work() -> None:
        places = Places(capacity=1, per_agent=1)
        conductor = Conductor(
            asker=Asker(
                gateway=Gateway(policy=AddressPolicy(allowed_hosts=())),
                circuits=Circuits(save=save_nothing, threshold=5, first_seconds=1, longest_seconds=1),
                places=places,
            ),
            push=None,
            polling=POLLING,
            polling_beside_push=POLLING_BESIDE_PUSH,
            rosters=Rosters(read=fail, ttl_seconds=1),
            gate=Gate(AsyncLimiter(AsyncMemoryStore(MemoryStore()))),
            budgets=Budgets(AsyncBudgetLedger(AsyncMemoryStore(MemoryStore())), spent=spent_nothing),
            detector=lambda: asyncio.sleep(0, Detector()),
            inputs=lambda hop: asyncio.sleep(0, []),
            settle=settle,
            places=places,
            agent_timeout_seconds=1,
            question_expiry_seconds=1,
        )
        await conductor.advance(hop)

    try:
        asyncio.run(work())
    except OperationalError:
        assert settled == []
    return settled


def test_a_task_does_not_fail_because_the_database_was_away(people: Cast) -> None:
    assert settlements_of_a_hop_whose_reading_fails(people, OperationalError("the connection is lost")) == []


def test_a_task_fails_by_what_would_break_it_again(people: Cast) -> None:
    (settlement,) = settlements_of_a_hop_whose_reading_fails(people, DataError("it cannot be read"))
    assert (settlement.changes["status"], settlement.changes["error_code"]) == (HopStatus.FAILED, "INTERNAL_ERROR")
