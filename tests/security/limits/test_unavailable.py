"""Redis away, silent or back again: callers learn it within 100 ms, and at once when it is known."""

import asyncio
import contextlib
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import redis

from security.limits import AsyncRedisStore, LimiterUnavailable, LimitTable, RedisStore
from security.limits.circuit import Circuit
from security.limits.commands import Acquire
from tests.security.limits.conftest import NOW, REDIS_URL, needs_redis

ASK = Acquire(
    hits=(LimitTable().customer_tasks(customer_id="unavailable"),),
    operation_id="task",
    now_ms=int(NOW.timestamp() * 1000),
)
BAR_SECONDS = 0.1


@pytest.fixture(params=["refused", "silent"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the address of a port that nobody listens on, or of one that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if request.param == "refused":
            server.close()
        yield f"redis://127.0.0.1:{port}/6"


def seconds_until_unavailable(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    with pytest.raises(LimiterUnavailable):
        ask()
    return time.perf_counter() - began


def test_a_redis_that_is_away_is_noticed_in_time_then_at_once(url: str) -> None:
    store = RedisStore(url=url)
    # The best of three: the machine may have other work.
    assert min(seconds_until_unavailable(lambda: store.run(ASK)) for _ in range(3)) < BAR_SECONDS
    assert min(seconds_until_unavailable(lambda: store.run(ASK)) for _ in range(3)) < 0.005
    store.close()


def test_an_event_loop_notices_it_in_time_and_is_not_blocked_meanwhile(url: str) -> None:
    async def story() -> None:
        store = AsyncRedisStore(url=url)
        pauses = [0.0]

        async def beat() -> None:
            while True:
                began = time.perf_counter()
                await asyncio.sleep(0.005)
                pauses.append(time.perf_counter() - began)

        heart = asyncio.create_task(beat())

        async def seconds() -> float:
            began = time.perf_counter()
            asked = await asyncio.gather(*(store.run(ASK) for _ in range(20)), return_exceptions=True)
            assert {type(answer) for answer in asked} == {LimiterUnavailable}
            return time.perf_counter() - began

        assert min([await seconds() for _ in range(3)]) < BAR_SECONDS
        assert min([await seconds() for _ in range(3)]) < 0.005
        heart.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await heart
        assert sorted(pauses)[len(pauses) // 2] < 0.05
        await store.aclose()

    asyncio.run(story())


def test_a_ping_says_so_too(url: str) -> None:
    store = RedisStore(url=url)
    assert min(seconds_until_unavailable(store.ping) for _ in range(3)) < BAR_SECONDS
    store.close()


def test_the_refusal_tells_the_client_nothing_of_the_server() -> None:
    store = RedisStore(url="redis://:sesame@127.0.0.1:1/6")
    with pytest.raises(LimiterUnavailable) as caught:
        store.run(ASK)
    assert (caught.value.status, caught.value.retryable) == (503, True)
    assert "127.0.0.1" not in caught.value.user_message
    assert "sesame" not in caught.value.internal_message
    store.close()


class Forgetful(socketserver.StreamRequestHandler):
    """A server that was restarted: it knows no script by its digest, and runs what it is given."""

    def handle(self) -> None:
        while head := self.rfile.readline():
            words = []
            for _ in range(int(head[1:])):
                length = int(self.rfile.readline()[1:])
                words.append(self.rfile.read(length + 2)[:-2])
            known = words[0] != b"EVALSHA"
            self.wfile.write(b"*4\r\n:1\r\n:1\r\n:0\r\n:0\r\n" if known else b"-NOSCRIPT No matching script.\r\n")


def test_a_server_that_forgot_the_scripts_is_given_them_again() -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Forgetful) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"redis://127.0.0.1:{server.server_address[1]}/0"
        store = RedisStore(url=url)
        assert store.run(ASK) == [1, 1, 0, 0]
        store.close()

        async def story() -> list[int]:
            asynchronous = AsyncRedisStore(url=url)
            try:
                return await asynchronous.run(ASK)
            finally:
                await asynchronous.aclose()

        assert asyncio.run(story()) == [1, 1, 0, 0]
        server.shutdown()


def test_a_connection_that_was_closed_meanwhile_is_opened_again() -> None:
    class Leaving(socketserver.StreamRequestHandler):
        """A server that hangs up after each answer."""

        def handle(self) -> None:
            self.rfile.readline()
            self.rfile.read1()
            self.wfile.write(b"*4\r\n:1\r\n:1\r\n:0\r\n:0\r\n")

    async def story() -> list[list[int]]:
        store = AsyncRedisStore(url=f"redis://127.0.0.1:{server.server_address[1]}/0")
        replies = []
        for _ in range(3):
            replies.append(await store.run(ASK))
            await asyncio.sleep(0.05)
        await store.aclose()
        return replies

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Leaving) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert asyncio.run(story()) == [[1, 1, 0, 0]] * 3
        server.shutdown()


def test_an_answer_that_comes_too_late_is_never_taken_for_the_next_one() -> None:
    connections = iter([(0.15, b"7"), (0.0, b"1")])

    class Late(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            delay, used = next(connections)
            while self.rfile.readline():
                time.sleep(delay)
                self.rfile.read1()
                with contextlib.suppress(OSError):
                    self.wfile.write(b"*4\r\n:1\r\n:" + used + b"\r\n:0\r\n:0\r\n")

    async def story() -> list[int]:
        store = AsyncRedisStore(url=f"redis://127.0.0.1:{server.server_address[1]}/0")
        try:
            with pytest.raises(LimiterUnavailable):
                await store.run(ASK)
            await asyncio.sleep(0.2)
            return await store.run(ASK)
        finally:
            await store.aclose()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Late) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert asyncio.run(story()) == [1, 1, 0, 0]
        server.shutdown()


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def trip(circuit: Circuit) -> None:
    with pytest.raises(LimiterUnavailable), circuit.watching():
        raise OSError("gone")


def test_a_circuit_opens_after_failures_in_a_row_only() -> None:
    circuit = Circuit(threshold=2, clock=Clock())
    trip(circuit)
    with circuit.watching():
        pass
    trip(circuit)
    circuit.check()
    trip(circuit)
    with pytest.raises(LimiterUnavailable):
        circuit.check()


def test_after_a_pause_one_caller_finds_out_for_all() -> None:
    clock = Clock()
    circuit = Circuit(threshold=1, pause_seconds=1.0, clock=clock)
    trip(circuit)
    clock.now += 1.0
    circuit.check()
    with pytest.raises(LimiterUnavailable):
        circuit.check()
    with circuit.watching():
        pass
    circuit.check()
    circuit.check()


def test_an_error_that_is_not_of_redis_is_no_failure_of_redis() -> None:
    circuit = Circuit(threshold=1)
    with pytest.raises(KeyError), circuit.watching():
        raise KeyError
    circuit.check()


class TestWithRedis:
    pytestmark = needs_redis

    def test_connections_that_were_closed_meanwhile_are_opened_again(self, customer: str) -> None:
        store = RedisStore(url=REDIS_URL)
        ask = Acquire(hits=(LimitTable().customer_tasks(customer_id=customer),), operation_id="task", now_ms=ASK.now_ms)
        store.run(ask)
        close_connections(store._client)
        assert store.run(ask)[0] == 1
        store.close()

    def test_a_loop_that_is_busy_does_not_blame_redis(self, customer: str) -> None:
        ask = Acquire(hits=(LimitTable().customer_tasks(customer_id=customer),), operation_id="task", now_ms=ASK.now_ms)

        async def story() -> list[int]:
            store = AsyncRedisStore(url=REDIS_URL)
            await store.run(ask)
            asked = store.run(ask)
            await asyncio.sleep(0)
            time.sleep(0.25)  # noqa: ASYNC251 - the very thing that is tried
            try:
                return await asked
            finally:
                await store.aclose()

        assert asyncio.run(story())[0] == 1

    def test_an_asynchronous_call_that_is_cancelled_leaves_no_answer_to_the_next(self, customer: str) -> None:
        table = LimitTable()
        asks = [
            Acquire(
                hits=(table.agent_calls(customer_id=customer, agent="editor", amount=amount),),
                operation_id=f"hop-{amount}",
                now_ms=ASK.now_ms,
            )
            for amount in (1, 2)
        ]

        async def story() -> int:
            store = AsyncRedisStore(url=REDIS_URL)
            await store.run(asks[0])
            for _ in range(5):
                asked = store.run(asks[0])
                await asyncio.sleep(0)
                asked.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await asked
            used = (await store.run(asks[1]))[1]
            await store.aclose()
            return used

        assert asyncio.run(story()) == 3


def close_connections(client: redis.Redis) -> None:
    """Have the server close the store's connections, as it does when it is restarted."""
    own = client.client_id()
    with redis.Redis.from_url(REDIS_URL) as other:
        other.client_kill_filter(_id=str(own))
