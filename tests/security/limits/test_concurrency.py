"""Exactly as many as are allowed, however many come at once and from wherever."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from security.limits import Limiter, LimitTable, MemoryStore, RedisStore, Store
from tests.security.limits.conftest import NOW, REDIS_URL

PROCESSES, THREADS = 4, 8

# Waits for a line, so that all processes begin together, then asks from several threads and prints how many got in.
ASKS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from security.limits import Limiter, LimitTable, RedisStore
url, customer, name, asks, now = sys.argv[1:]
store = RedisStore(url=url)
limiter, hit = Limiter(store), LimitTable().customer_tasks(customer_id=customer)
def ask(number):
    return limiter.acquire([hit], operation_id=f"{name}-{number}", now=datetime.fromisoformat(now)).admitted
store.ping()
print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(4) as threads:
    print(sum(threads.map(ask, range(int(asks)))))
store.close()
"""


def admitted_of(ask: Callable[[int], bool], asks: int) -> int:
    start = threading.Barrier(THREADS)

    def share(first: int) -> int:
        start.wait()
        return sum(ask(number) for number in range(first, asks, THREADS))

    with ThreadPoolExecutor(THREADS) as threads:
        return sum(threads.map(share, range(THREADS)))


@pytest.fixture
def restless() -> Iterator[None]:
    """Let threads come between each other's steps as often as they can."""
    pause = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(pause)


def test_a_thousand_and_one_tasks_at_once_admit_exactly_a_thousand(store: Store, customer: str) -> None:
    limiter, hit = Limiter(store), LimitTable().customer_tasks(customer_id=customer)
    ask = lambda number: limiter.acquire([hit], operation_id=f"task-{number}", now=NOW).admitted  # noqa: E731
    assert admitted_of(ask, 1001) == 1000


def test_one_operation_from_many_threads_counts_once(store: Store, customer: str) -> None:
    limiter, hit = Limiter(store), LimitTable().agent_calls(customer_id=customer, agent="editor")
    assert admitted_of(lambda _: limiter.acquire([hit], operation_id="hop", now=NOW).admitted, 400) == 400
    assert limiter.acquire([hit], operation_id="hop", now=NOW).standings[0].remaining == 99


def test_of_two_limits_neither_is_charged_for_what_the_other_refuses(restless: None, customer: str) -> None:
    limiter, table = Limiter(MemoryStore()), LimitTable()
    call = table.agent_calls(customer_id=customer, agent="editor")
    pair = table.delegation_pair(customer_id=customer, agent_from="lead", agent_to="editor")
    assert admitted_of(lambda n: limiter.acquire([call, pair], operation_id=f"hop-{n}", now=NOW).admitted, 200) == 50
    assert limiter.acquire([call], operation_id="alone", now=NOW).standings[0].remaining == 49


def test_no_thread_looks_at_what_another_has_half_counted(restless: None) -> None:
    limiter, table = (
        Limiter(MemoryStore()),
        LimitTable.of(customer_tasks_per_day=9, agent_calls_per_hour=1000, delegations_per_hour=9),
    )

    def ask(number: int) -> bool:
        # Neighbouring numbers are different threads', on the same counter; so much takes a while to count.
        hit = table.agent_calls(customer_id="acme", agent=str(number // THREADS), amount=400)
        return limiter.acquire([hit], operation_id=str(number), now=NOW).admitted

    assert admitted_of(ask, 40 * THREADS) == 40 * 2


@pytest.mark.services
@pytest.mark.skipif(not REDIS_URL, reason="REDIS_URL names no server")
def test_processes_admit_exactly_a_thousand_of_many_more(redis_store: RedisStore, customer: str) -> None:
    asks = 1200 // PROCESSES
    children = [
        subprocess.Popen(
            [sys.executable, "-c", ASKS, REDIS_URL, customer, f"process-{number}", str(asks), NOW.isoformat()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    # All are ready: now each may begin, and none is waited for before all have been told.
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    admitted = [int(child.communicate(timeout=60)[0]) for child in children]
    assert sum(admitted) == 1000
    assert all(admitted)
    hit = LimitTable().customer_tasks(customer_id=customer)
    refused = Limiter(redis_store).acquire([hit], operation_id="one more", now=NOW).refused
    assert refused is not None
    assert refused.remaining == 0
