"""A hop counts once, a split whole or not at all, and what runs is never stopped for want of a counter."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from delegation.loop.admission import Gate
from delegation.loop.roster import AgentRecord, Roster
from delegation.store import ClaimedHop, TaskFacts
from delegation.store.rows import new_id
from security.errors import RateLimitExceeded
from security.limiting import Terms
from security.limits import AsyncLimiter, AsyncMemoryStore, AsyncRedisStore, LimitTable, MemoryStore
from tests.security.limits.conftest import REDIS_URL, needs_redis

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TABLE = LimitTable.of(customer_tasks_per_day=1, agent_calls_per_hour=3, delegations_per_hour=2)
Story = Callable[[Gate], Coroutine[Any, Any, None]]


@pytest.fixture(params=["memory", pytest.param("redis", marks=needs_redis)])
def tell(request: pytest.FixtureRequest) -> Callable[[Story], None]:
    """Run a story on an event loop, with a gate on each store."""

    async def told(story: Story) -> None:
        store = AsyncRedisStore(url=REDIS_URL) if request.param == "redis" else AsyncMemoryStore(MemoryStore())
        await story(Gate(AsyncLimiter(store)))
        await store.aclose()

    return lambda story: asyncio.run(told(story))


def roster(customer_id: str, *, waits: bool = False, **calls_per_hour: int) -> Roster:
    agents = {
        name: AgentRecord(
            id=new_id(),
            customer_id=customer_id,
            agent_type=name,
            seniority="senior",
            enabled=True,
            name=name,
            skills=(),
            description="",
            requires_approval=False,
            ve_id=name,
            endpoint_url="",
            timeout_seconds=None,
            calls_per_hour=calls_per_hour.get(name),
        )
        for name in ("manager", "writer", "editor")
    }
    return Roster(agents=agents, terms=Terms(active=True, waits=waits, table=TABLE))


def hop(customer_id: str, *path: str, parent_id: UUID | None = None, branch: int | None = None) -> ClaimedHop:
    """Return the hop at the end of the path; with a branch it is one of its parent's split."""
    task = TaskFacts(
        id=new_id(),
        customer_id=customer_id,
        created_by=None,
        message="",
        priority="normal",
        trace_id="",
        created_at=NOW,
        deadline_at=NOW + timedelta(hours=5),
        hop_budget=100,
        hop_count=1,
        cost_usd=0,
    )
    return ClaimedHop(
        id=new_id(),
        task=task,
        owner=new_id(),
        claim=1,
        parent_id=parent_id if parent_id or len(path) == 1 else new_id(),
        join_id=None if branch is None else parent_id,
        branch=branch,
        resumes_id=None,
        depth=len(path) - 1,
        attempt=1,
        agent_type=path[-1],
        path=path,
        instruction="",
        priority=1,
        remote_task_id="",
        polls=0,
        tries=0,
        started_at=NOW,
    )


def test_a_hop_that_comes_again_is_not_counted_again(tell: Callable[[Story], None], customer: str) -> None:
    async def story(gate: Gate) -> None:
        first, team = hop(customer, "manager"), roster(customer)
        for _ in range(5):
            assert await gate.admit(first, team, now=NOW) is None
        # Taken over after a crash its delegation has another id, and the same place.
        child = hop(customer, "manager", "writer", parent_id=first.id)
        for taken_over in (child, child._replace(id=new_id(), claim=2), child._replace(id=new_id(), claim=3)):
            assert await gate.admit(taken_over, team, now=NOW) is None
        assert await gate.admit(hop(customer, "manager", "writer"), team, now=NOW) is None
        with pytest.raises(RateLimitExceeded):
            await gate.admit(hop(customer, "manager", "writer"), team, now=NOW)

    tell(story)


def test_a_call_that_is_expected_counts_once(tell: Callable[[Story], None], customer: str) -> None:
    async def story(gate: Gate) -> None:
        team = roster(customer)
        for _ in range(2):
            child = hop(customer, "manager", "writer")
            gate.expect(child, team, now=NOW)
            assert await gate.admit(child, team, now=NOW) is None
            await gate.forget(child)
        refused = hop(customer, "manager", "writer")
        gate.expect(refused, team, now=NOW)
        with pytest.raises(RateLimitExceeded):
            await gate.admit(refused, team, now=NOW)

    tell(story)


def test_what_was_expected_and_never_came_counts_nothing(tell: Callable[[Story], None], customer: str) -> None:
    async def story(gate: Gate) -> None:
        team = roster(customer)
        for _ in range(5):
            child = hop(customer, "manager", "writer")
            gate.expect(child, team, now=NOW)
            await gate.forget(child)
        for _ in range(2):
            assert await gate.admit(hop(customer, "manager", "writer"), team, now=NOW) is None
        refused = hop(customer, "manager", "writer")
        gate.expect(refused, team, now=NOW)
        await gate.forget(refused)

    tell(story)


def test_what_another_worker_calls_instead_counts_once(tell: Callable[[Story], None], customer: str) -> None:
    async def story(gate: Gate) -> None:
        team = roster(customer)
        child = hop(customer, "manager", "writer")
        gate.expect(child, team, now=NOW)
        await gate.forget(child, elsewhere=True)
        theirs = child._replace(id=new_id(), claim=2)
        assert await gate.admit(theirs, team, now=NOW) is None
        assert await gate.admit(hop(customer, "manager", "writer"), team, now=NOW) is None
        with pytest.raises(RateLimitExceeded):
            await gate.admit(hop(customer, "manager", "writer"), team, now=NOW)

    tell(story)


def test_nobody_is_expected_who_does_not_exist(tell: Callable[[Story], None], customer: str) -> None:
    async def story(gate: Gate) -> None:
        stranger = hop(customer, "manager", "stranger")
        gate.expect(stranger, roster(customer), now=NOW)
        await gate.forget(stranger)

    tell(story)


def test_a_refused_pair_takes_no_call_of_the_agent(tell: Callable[[Story], None], customer: str) -> None:
    async def story(gate: Gate) -> None:
        team = roster(customer)
        for _ in range(2):
            await gate.admit(hop(customer, "manager", "writer"), team, now=NOW)
        for _ in range(5):
            with pytest.raises(RateLimitExceeded):
                await gate.admit(hop(customer, "manager", "writer"), team, now=NOW)
        await gate.admit(hop(customer, "editor", "writer"), team, now=NOW)
        with pytest.raises(RateLimitExceeded):
            await gate.admit(hop(customer, "writer"), team, now=NOW)

    tell(story)


def test_a_refused_agent_takes_nothing_of_the_pair(tell: Callable[[Story], None], customer: str) -> None:
    async def story(gate: Gate) -> None:
        for _ in range(5):
            with pytest.raises(RateLimitExceeded):
                await gate.admit(hop(customer, "manager", "writer"), roster(customer, writer=0), now=NOW)
        for _ in range(2):
            await gate.admit(hop(customer, "manager", "writer"), roster(customer), now=NOW)

    tell(story)


def test_a_split_is_admitted_whole_or_not_at_all(tell: Callable[[Story], None], customer: str) -> None:
    async def story(gate: Gate) -> None:
        team, splitting = roster(customer), hop(customer, "manager")
        with pytest.raises(RateLimitExceeded):
            await gate.admit_split(splitting, team, ["writer", "editor", "writer", "writer"], now=NOW)
        await gate.admit_split(splitting, team, ["writer", "editor", "writer"], now=NOW)
        for place, agent in enumerate(["writer", "editor", "writer"]):
            branch = hop(customer, "manager", agent, parent_id=splitting.id, branch=place)
            assert await gate.admit(branch, team, now=NOW) is None
        assert await gate.admit(hop(customer, "manager", "editor"), team, now=NOW) is None
        with pytest.raises(RateLimitExceeded):
            await gate.admit(hop(customer, "manager", "writer"), team, now=NOW)

    tell(story)


def test_who_waits_is_told_its_own_turn(tell: Callable[[Story], None], customer: str) -> None:
    async def story(gate: Gate) -> None:
        team = roster(customer, waits=True)
        for minute in range(3):
            await gate.admit(hop(customer, "manager"), team, now=NOW + timedelta(minutes=minute))
        late = NOW + timedelta(minutes=10)
        waiting = [hop(customer, "manager") for _ in range(3)]
        turns = [await gate.admit(each, team, now=late) for each in waiting]
        assert turns == [NOW + timedelta(minutes=60 + n) for n in range(3)]
        for each, turn in zip(waiting, turns, strict=True):
            assert turn is not None
            assert await gate.admit(each, team, now=turn) is None

    tell(story)


def test_nobody_waits_for_what_never_comes_or_comes_too_late(tell: Callable[[Story], None], customer: str) -> None:
    async def story(gate: Gate) -> None:
        with pytest.raises(RateLimitExceeded):
            await gate.admit(hop(customer, "manager"), roster(customer, waits=True, manager=0), now=NOW)
        await gate.admit(hop(customer, "manager"), roster(customer, waits=True, manager=1), now=NOW)
        late = hop(customer, "manager")
        late = late._replace(task=late.task._replace(deadline_at=NOW + timedelta(minutes=59)))
        with pytest.raises(RateLimitExceeded):
            await gate.admit(late, roster(customer, waits=True, manager=1), now=NOW)

    tell(story)


def test_many_at_once_are_admitted_exactly(tell: Callable[[Story], None], customer: str) -> None:
    async def story(gate: Gate) -> None:
        team = roster(customer)

        async def admitted() -> bool:
            try:
                await gate.admit(hop(customer, "manager"), team, now=NOW)
            except RateLimitExceeded:
                return False
            return True

        assert sum(await asyncio.gather(*(admitted() for _ in range(200)))) == 3

    tell(story)


def test_without_the_counters_what_runs_goes_on() -> None:
    async def story() -> None:
        store = AsyncRedisStore(url="redis://127.0.0.1:1/0")
        gate = Gate(AsyncLimiter(store))
        for _ in range(20):
            assert await gate.admit(hop("techcorp", "manager"), roster("techcorp"), now=NOW) is None
        await gate.admit_split(hop("techcorp", "manager"), roster("techcorp"), ["writer"] * 9, now=NOW)
        await store.aclose()

    asyncio.run(story())
