"""Memory and Redis answer alike, whatever they are asked in whatever order."""

from uuid import uuid4

import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from security.limits import Allowance, BudgetAccount, BudgetLine, Hit, LimitType, MemoryStore, Quota, RedisStore, Spend
from security.limits.commands import Acquire, Admit, Command, GiveBack, Reserve, Settle, merged
from security.limits.table import Scope
from tests.security.limits.conftest import NOW, REDIS_URL, needs_redis

pytestmark = needs_redis
START_MS = int(NOW.timestamp() * 1000)
CUSTOMER = f"same-answers-{uuid4().hex}"

ids = st.sampled_from(["a", "b", "c", "d"])
times = st.integers(0, 5000).map(lambda elapsed: START_MS + elapsed)
scopes = st.sampled_from(
    [
        Scope(LimitType.CUSTOMER_TASKS, CUSTOMER),
        Scope(LimitType.AGENT_CALLS, CUSTOMER, ("editor",)),
        Scope(LimitType.AGENT_CALLS, CUSTOMER, ("analyst",)),
    ]
)
quotas = st.builds(Quota, allowed=st.integers(0, 4), window_seconds=st.integers(1, 3))


@st.composite
def acquires(draw: st.DrawFn) -> Acquire:
    """Draw a check: each counter has one quota, and may be hit by several operations."""
    limits = {scope: draw(quotas) for scope in draw(st.lists(scopes, min_size=1, max_size=3, unique=True))}
    operation_id = draw(ids)
    operations = st.sampled_from(["", "a", "b", "c", "d"]).filter(lambda other: other != operation_id)
    named = draw(st.lists(st.tuples(st.sampled_from(sorted(limits, key=repr)), operations), min_size=1, max_size=4))
    hits = [
        Hit(
            scope=scope,
            quota=limits[scope],
            operation_id=other,
            amount=draw(st.integers(1, 3)),
            ahead=draw(st.integers(0, 2)),
        )
        for scope, other in named
    ]
    return Acquire(hits=merged(hits), operation_id=operation_id, now_ms=draw(times))


spends = st.builds(Spend, tokens=st.integers(0, 60), micro_usd=st.integers(0, 60))
allowances = st.builds(Allowance, tokens=st.none() | st.integers(0, 100), micro_usd=st.none() | st.integers(0, 100))
accounts = st.sampled_from([BudgetAccount(CUSTOMER, name, 10**8) for name in ("task:1", "task:2", "month:2026-11")])
lines = st.builds(BudgetLine, account=accounts, allowance=allowances, recorded=st.none() | spends)
commands = st.one_of(
    acquires(),
    acquires().map(lambda asked: Admit(hits=asked.hits, operation_id=asked.operation_id, now_ms=asked.now_ms)),
    st.builds(GiveBack, scopes=st.lists(scopes, min_size=1, unique=True).map(tuple), operation_id=ids),
    st.builds(
        Reserve,
        lines=st.lists(lines, min_size=1, max_size=3, unique_by=lambda line: line.account).map(tuple),
        reservation_id=ids,
        estimate=spends,
        now_ms=times,
        expires_ms=times,
    ),
    st.builds(
        Settle,
        accounts=st.lists(accounts, min_size=1, unique=True).map(tuple),
        reservation_id=ids,
        actual=st.none() | spends,
        now_ms=times,
    ),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(commands, min_size=1, max_size=25))
def test_both_stores_give_the_same_answers(redis_store: RedisStore, asked: list[Command]) -> None:
    memory = MemoryStore()
    try:
        for command in asked:
            assert redis_store.run(command) == memory.run(command), command
    finally:
        forget_all()


def forget_all() -> None:
    with redis.Redis.from_url(REDIS_URL) as client:
        for key in client.scan_iter(f"a2a:*{{{CUSTOMER}}}*"):
            client.delete(key)
