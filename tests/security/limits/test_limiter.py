"""Limits that are checked together: all counted or none, each operation once."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from security.limits import (
    AsyncLimiter,
    AsyncMemoryStore,
    AsyncRedisStore,
    Hit,
    Limiter,
    LimitTable,
    MemoryStore,
    Quota,
    RedisStore,
    Scope,
    Store,
)
from security.limits.table import LimitType
from tests.security.limits.conftest import NOW, REDIS_URL

TABLE = LimitTable.of(customer_tasks_per_day=5, agent_calls_per_hour=3, delegations_per_hour=2)


@pytest.fixture
def limiter(store: Store) -> Limiter:
    return Limiter(store)


def call(customer: str, agent: str = "copywriter", amount: int = 1) -> Hit:
    return TABLE.agent_calls(customer_id=customer, agent=agent, amount=amount)


def pair(customer: str, agent_from: str = "editor", agent_to: str = "copywriter") -> Hit:
    return TABLE.delegation_pair(customer_id=customer, agent_from=agent_from, agent_to=agent_to)


def test_it_admits_as_many_as_are_allowed_and_no_more(limiter: Limiter, customer: str) -> None:
    admissions = [limiter.acquire([call(customer)], operation_id=f"hop-{n}", now=NOW) for n in range(4)]
    assert [admission.admitted for admission in admissions] == [True, True, True, False]
    assert [admission.standings[0].remaining for admission in admissions] == [2, 1, 0, 0]


def test_a_refusal_says_which_limit_how_much_and_how_long(limiter: Limiter, customer: str) -> None:
    for second in range(3):
        at = NOW + timedelta(seconds=second)
        assert limiter.acquire([call(customer)], operation_id=f"hop-{second}", now=at).admitted
    refused = limiter.acquire([call(customer)], operation_id="late", now=NOW + timedelta(seconds=10)).refused
    assert refused is not None
    assert (refused.limit_type, refused.customer_id, refused.parts) == ("agent_calls", customer, ("copywriter",))
    assert (refused.allowed, refused.remaining, refused.window_seconds) == (3, 0, 3600)
    assert refused.retry_after_seconds == 3590


def test_waiting_as_long_as_told_is_enough_and_a_millisecond_less_is_not(limiter: Limiter, customer: str) -> None:
    for second in range(3):
        limiter.acquire([call(customer)], operation_id=f"hop-{second}", now=NOW + timedelta(seconds=second))
    refused = limiter.acquire([call(customer, amount=2)], operation_id="two", now=NOW + timedelta(seconds=5))
    assert refused.retry_after_seconds == 3596
    due = NOW + timedelta(seconds=5 + refused.retry_after_seconds)
    early = limiter.acquire([call(customer, amount=2)], operation_id="two", now=due - timedelta(milliseconds=1))
    assert early.retry_after_seconds == 0.001
    assert limiter.acquire([call(customer, amount=2)], operation_id="two", now=due).admitted


def test_no_span_of_a_window_holds_more_than_allowed_also_across_midnight(limiter: Limiter, customer: str) -> None:
    hit = TABLE.customer_tasks(customer_id=customer)
    before, after = NOW.replace(hour=23, minute=59, second=59), NOW.replace(hour=23, minute=59, second=59)
    after += timedelta(seconds=2)
    assert all(limiter.acquire([hit], operation_id=f"eve-{n}", now=before).admitted for n in range(5))
    assert not limiter.acquire([hit], operation_id="new day", now=after).admitted


def test_a_refused_operation_consumes_nothing_of_any_limit(limiter: Limiter, customer: str) -> None:
    for number in range(2):
        assert limiter.acquire([pair(customer)], operation_id=f"hop-{number}", now=NOW).admitted
    both = [call(customer), pair(customer)]
    for number in range(5):
        admission = limiter.acquire(both, operation_id=f"refused-{number}", now=NOW)
        assert admission.refused is not None
        assert admission.refused.limit_type == LimitType.DELEGATION_PAIR
        assert [standing.remaining for standing in admission.standings] == [3, 0]
    assert limiter.acquire([call(customer, amount=3)], operation_id="all three", now=NOW).admitted


def test_of_two_limits_that_refuse_it_names_the_one_to_wait_for(limiter: Limiter, customer: str) -> None:
    limiter.acquire([call(customer, amount=3)], operation_id="first", now=NOW)
    later = NOW + timedelta(minutes=10)
    for number in range(2):
        limiter.acquire([pair(customer)], operation_id=f"hop-{number}", now=later)
    admission = limiter.acquire([call(customer), pair(customer)], operation_id="both", now=later)
    assert admission.refused is not None
    assert admission.refused.limit_type == LimitType.DELEGATION_PAIR
    assert admission.retry_after_seconds == 3600


def test_an_operation_that_comes_again_is_admitted_and_not_counted(limiter: Limiter, customer: str) -> None:
    for _ in range(10):
        admission = limiter.acquire([call(customer)], operation_id="hop", now=NOW)
        assert admission.admitted
        assert admission.standings[0].remaining == 2


def test_an_operation_that_comes_again_passes_a_limit_that_is_used_up(limiter: Limiter, customer: str) -> None:
    for number in range(3):
        limiter.acquire([call(customer)], operation_id=f"hop-{number}", now=NOW)
    assert limiter.acquire([call(customer)], operation_id="hop-0", now=NOW + timedelta(minutes=59)).admitted
    assert not limiter.acquire([call(customer)], operation_id="other", now=NOW + timedelta(minutes=59)).admitted


def test_an_operation_is_forgotten_when_its_window_is_over(limiter: Limiter, customer: str) -> None:
    limiter.acquire([call(customer)], operation_id="hop", now=NOW)
    again = limiter.acquire(
        [call(customer), call(customer, "editor")], operation_id="hop", now=NOW + timedelta(hours=1)
    )
    assert [standing.remaining for standing in again.standings] == [2, 2]
    assert limiter.acquire([call(customer, amount=2)], operation_id="rest", now=NOW + timedelta(hours=1)).admitted


def test_an_operation_counts_on_the_limits_it_adds_when_it_comes_again(limiter: Limiter, customer: str) -> None:
    limiter.acquire([call(customer)], operation_id="hop", now=NOW)
    admission = limiter.acquire([call(customer), pair(customer)], operation_id="hop", now=NOW)
    assert [standing.remaining for standing in admission.standings] == [2, 1]


def test_hits_on_the_same_counter_add_up(limiter: Limiter, customer: str) -> None:
    admission = limiter.acquire([pair(customer), pair(customer)], operation_id="fan-out", now=NOW)
    assert [standing.remaining for standing in admission.standings] == [0]
    assert not limiter.acquire([pair(customer)], operation_id="one more", now=NOW).admitted


def test_several_operations_are_admitted_together_or_not_at_all(limiter: Limiter, customer: str) -> None:
    def branches(*names: str) -> list[Hit]:
        return [replace(pair(customer), operation_id=name) for name in names]

    assert not limiter.acquire(branches("one", "two", "three"), operation_id="split", now=NOW).admitted
    assert limiter.acquire(branches("one", "two"), operation_id="split", now=NOW).standings[0].remaining == 0

    assert limiter.acquire([pair(customer)], operation_id="two", now=NOW).admitted
    assert not limiter.acquire([pair(customer)], operation_id="three", now=NOW).admitted


def test_who_comes_behind_others_is_told_when_its_own_turn_comes(limiter: Limiter, customer: str) -> None:
    for second in range(3):
        limiter.acquire([call(customer)], operation_id=f"hop-{second}", now=NOW + timedelta(seconds=second))

    waits = [
        limiter.acquire([replace(call(customer), ahead=ahead)], operation_id="late", now=NOW + timedelta(seconds=10))
        for ahead in range(4)
    ]

    assert [wait.retry_after_seconds for wait in waits] == [3590, 3591, 3592, 3600]


def test_an_amount_that_never_fits_is_told_to_wait_the_whole_window(limiter: Limiter, customer: str) -> None:
    admission = limiter.acquire([call(customer, amount=4)], operation_id="four", now=NOW)
    assert not admission.admitted
    assert admission.retry_after_seconds == 3600
    assert admission.standings[0].remaining == 3


def test_a_quota_of_none_admits_none(limiter: Limiter, customer: str) -> None:
    closed = Hit(scope=Scope(LimitType.CUSTOMER_TASKS, customer), quota=Quota(allowed=0, window_seconds=60))
    assert limiter.acquire([closed], operation_id="task", now=NOW).retry_after_seconds == 60


def test_a_lowered_quota_holds_at_once_and_leaves_no_less_than_nothing(limiter: Limiter, customer: str) -> None:
    limiter.acquire([call(customer, amount=3)], operation_id="three", now=NOW)
    lowered = Hit(scope=call(customer).scope, quota=Quota(allowed=1, window_seconds=3600))
    admission = limiter.acquire([lowered], operation_id="next", now=NOW)
    assert not admission.admitted
    assert admission.standings[0].remaining == 0


def test_nobody_shares_a_counter_with_another_customer(limiter: Limiter, customer: str) -> None:
    for number in range(3):
        assert limiter.acquire([call(customer)], operation_id=f"hop-{number}", now=NOW).admitted
    admission = limiter.acquire([call(f"{customer}2")], operation_id="hop-0", now=NOW)
    assert admission.standings[0].remaining == 2


def test_what_is_given_back_may_be_used_again(limiter: Limiter, customer: str) -> None:
    hits = [call(customer, amount=3), pair(customer)]
    limiter.acquire(hits, operation_id="hop", now=NOW)
    scopes = [hit.scope for hit in hits]
    assert limiter.give_back(scopes, operation_id="hop")
    assert not limiter.give_back(scopes, operation_id="hop")
    admission = limiter.acquire(hits, operation_id="other", now=NOW)
    assert [standing.remaining for standing in admission.standings] == [0, 1]


def test_a_clock_that_runs_behind_counts_all_the_same(limiter: Limiter, customer: str) -> None:
    for number, behind in enumerate([0, 30, 10]):
        at = NOW - timedelta(seconds=behind)
        assert limiter.acquire([call(customer)], operation_id=f"hop-{number}", now=at).admitted
    refused = limiter.acquire([call(customer)], operation_id="late", now=NOW)
    assert refused.retry_after_seconds == 3570


def test_no_limit_at_all_admits(limiter: Limiter) -> None:
    admission = limiter.acquire([], operation_id="free", now=NOW)
    assert admission.admitted
    assert admission.standings == ()


@pytest.mark.parametrize("operation_id", ["", "line\nbreak", "x" * 301])
def test_it_takes_no_operation_id_that_could_be_taken_for_another(limiter: Limiter, operation_id: str) -> None:
    with pytest.raises(ValueError, match="printable"):
        limiter.acquire([call("acme")], operation_id=operation_id, now=NOW)


def test_it_takes_no_hits_of_two_customers_in_one_check(limiter: Limiter) -> None:
    with pytest.raises(ValueError, match="several customers"):
        limiter.acquire([call("acme"), call("techcorp")], operation_id="hop", now=NOW)


def test_it_takes_no_two_quotas_for_one_counter(limiter: Limiter) -> None:
    other = Hit(scope=call("acme").scope, quota=Quota(allowed=9, window_seconds=60))
    with pytest.raises(ValueError, match="two quotas"):
        limiter.acquire([call("acme"), other], operation_id="hop", now=NOW)


def test_it_takes_no_time_without_its_zone(limiter: Limiter) -> None:
    with pytest.raises(ValueError, match="zone"):
        limiter.acquire([call("acme")], operation_id="hop", now=NOW.replace(tzinfo=None))


def test_an_event_loop_and_threads_share_the_counters_in_memory(customer: str) -> None:
    store = MemoryStore()
    Limiter(store).acquire([call(customer, amount=2)], operation_id="thread", now=NOW)
    limiter = AsyncLimiter(AsyncMemoryStore(store))
    admission = asyncio.run(limiter.acquire([call(customer)], operation_id="loop", now=NOW))
    assert admission.standings[0].remaining == 0
    assert asyncio.run(limiter.give_back([call(customer).scope], operation_id="thread"))


@pytest.mark.services
@pytest.mark.skipif(not REDIS_URL, reason="REDIS_URL names no server")
def test_an_event_loop_admits_exactly_what_is_allowed_of_many_at_once(customer: str) -> None:
    hit = Hit(scope=call(customer).scope, quota=Quota(allowed=100, window_seconds=3600))

    async def story() -> int:
        store = AsyncRedisStore(url=REDIS_URL)
        limiter = AsyncLimiter(store)
        calls = (limiter.acquire([hit], operation_id=f"hop-{number}", now=NOW) for number in range(150))
        admissions = await asyncio.gather(*calls)
        assert await limiter.give_back([hit.scope], operation_id="hop-0")
        await store.ping()
        await store.aclose()
        return sum(admission.admitted for admission in admissions)

    assert asyncio.run(story()) == 100


@pytest.mark.services
@pytest.mark.skipif(not REDIS_URL, reason="REDIS_URL names no server")
def test_of_many_that_only_want_to_be_admitted_at_once_each_customer_gets_exactly_what_it_is_allowed(
    customer: str,
) -> None:
    customers = [f"{customer}-{number}" for number in range(3)]

    async def story() -> dict[str, int]:
        store = AsyncRedisStore(url=REDIS_URL)
        limiter = AsyncLimiter(store)

        async def admitted(name: str, number: int) -> tuple[str, bool]:
            hits = [call(name, "editor"), pair(name)]  # 3 calls are allowed, of the pair 2
            return name, await limiter.admit(hits, operation_id=f"hop-{number}", now=NOW)

        found = await asyncio.gather(*(admitted(name, number) for number in range(30) for name in customers))
        await store.aclose()
        return {name: sum(yes for whose, yes in found if whose == name) for name in customers}

    assert asyncio.run(story()) == dict.fromkeys(customers, 2)
    with_one_left = Limiter(RedisStore(url=REDIS_URL)).acquire(
        [call(customers[0], "editor")], operation_id="x", now=NOW
    )
    assert with_one_left.standings[0].remaining == 0  # the refused have taken nothing: two and this one
