"""One bad row spoils no other: the settler goes on whatever it is brought."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import DatabaseError
from django.utils import timezone

from delegation.loop import account as accounts
from delegation.loop.account import Account
from delegation.loop.settler import Settler
from delegation.models import Task
from delegation.policy.decision import Decision
from delegation.services.tasks import task_submit
from delegation.states import Action
from delegation.store import Settlement, loop_store_for_database, store_for_database
from tests.delegation.rows import employ
from tests.people import Cast

UNKEEPABLE = [object(), b"bytes", {1, 2}]


@pytest.fixture
def settlements(transactional_db: None, people: Cast) -> list[Settlement]:
    employ("writer")
    now = timezone.now()
    for _ in range(len(UNKEEPABLE) + 2):
        task_submit(principal=people.alice.principal, message="m", agent_type="writer", now=now)
    hops = store_for_database().claim(owner=UUID(int=1), limit=10, now=now + timedelta(seconds=1)).hops
    results: list[object] = ["good", *UNKEEPABLE, "good too"]
    return [_handled(Account(hop=hop, at=now), result) for hop, result in zip(hops, results, strict=True)]


def _handled(account: Account, result: object) -> Settlement:
    settlement = accounts.handled(account, Decision(action=Action.HANDLE, result="stand-in"))
    return settlement._replace(changes={**settlement.changes, "result": result})


def test_what_cannot_be_stored_is_refused_and_the_rest_is_committed(
    settlements: list[Settlement],
) -> None:
    async def settle_all() -> list[object]:
        store = loop_store_for_database()
        settler = Settler(store)
        running = asyncio.create_task(settler.run())
        outcomes = await asyncio.gather(*map(settler.settle, settlements), return_exceptions=True)
        assert not running.done()
        running.cancel()
        await store.close()
        return list(outcomes)

    first, *bad, last = asyncio.run(settle_all())

    assert getattr(first, "held", False)
    assert getattr(last, "held", False)
    assert [isinstance(outcome, DatabaseError) for outcome in bad] == [True] * len(bad)
    assert Task.objects.filter(status="completed").count() == 2
