import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from websockets.asyncio.client import connect as connect_async

from delegation.live.consumers import LOOK_AGAIN_SECONDS
from delegation.live.feed import feed
from delegation.live.following import BATCH
from delegation.models import Task
from tests.delegation.live.consumers.watching import (
    cancel_by_http,
    happen,
    happen_unannounced,
    offering,
    quiet,
    received,
    seqs,
    watching,
)
from tests.people import Cast
from tests.web import WebServer

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_replays_then_goes_on_live(web: WebServer, people: Cast, task: Task) -> None:
    happen(task, times=3)

    with watching(web, f"/ws/tasks/{task.pk}/", people.alice) as socket:
        assert socket.subprotocol == "a2a.jwt"
        replayed = received(socket, 4)
        happen(task, times=2)
        live = received(socket, 2)

    assert seqs(replayed + live) == [1, 2, 3, 4, 5, 6]
    assert replayed[0] == {
        "task_id": str(task.pk),
        "seq": 1,
        "type": "task.created",
        "at": task.created_at.isoformat().replace("+00:00", "Z"),
        "data": {"agent": "marketing-manager", "priority": "normal", "message": "Write."},
    }


def test_it_goes_on_after_the_number_that_was_seen_last(web: WebServer, people: Cast, task: Task) -> None:
    happen(task, times=4)

    with watching(web, f"/ws/tasks/{task.pk}/?after=3", people.alice) as socket:
        assert seqs(received(socket, 2)) == [4, 5]
        happen(task)
        assert seqs(received(socket, 1)) == [6]


def test_a_wake_up_reaches_the_client_at_once(web: WebServer, people: Cast, task: Task) -> None:
    with watching(web, f"/ws/tasks/{task.pk}/", people.alice) as socket:
        received(socket, 1)
        began = datetime.now(UTC)
        cancel_by_http(web, people.alice, task)
        (event, *_) = received(socket, 1)

    assert event["type"] == "hop.canceled"
    assert (datetime.now(UTC) - began).total_seconds() < LOOK_AGAIN_SECONDS / 2


def test_a_lost_wake_up_costs_two_seconds(web: WebServer, people: Cast, task: Task) -> None:
    with watching(web, f"/ws/tasks/{task.pk}/", people.alice) as socket:
        received(socket, 1)
        happen_unannounced(task)

        assert seqs(received(socket, 1, timeout_seconds=LOOK_AGAIN_SECONDS + 2)) == [2]


def test_a_wake_up_for_nothing_tells_nothing(web: WebServer, people: Cast, task: Task) -> None:
    with watching(web, f"/ws/tasks/{task.pk}/", people.alice) as socket:
        received(socket, 1)
        for _ in range(20):
            feed.announce({task.pk: ("techcorp", 99)})

        assert quiet(socket, seconds=0.5)


def test_a_long_history_comes_whole_and_in_order(web: WebServer, people: Cast, task: Task) -> None:
    count = 2 * BATCH + 7
    happen_unannounced(task, times=count - 1)

    with watching(web, f"/ws/tasks/{task.pk}/", people.alice) as socket:
        assert seqs(received(socket, count)) == list(range(1, count + 1))
        assert quiet(socket, seconds=0.3)


def test_nothing_is_lost_or_told_twice_while_clients_come_and_go(web: WebServer, people: Cast, task: Task) -> None:
    count = 150
    writer = threading.Thread(target=happen, args=(task,), kwargs={"times": count - 1})
    told: list[int] = []

    writer.start()
    while len(told) < count:
        with watching(web, f"/ws/tasks/{task.pk}/?after={len(told)}", people.alice) as socket:
            told += seqs(received(socket, min(17, count - len(told))))
    writer.join()

    assert told == list(range(1, count + 1))


def test_many_watch_one_task(web: WebServer, people: Cast, task: Task) -> None:
    token = people.alice.token

    def follow(_: int) -> list[int]:
        with watching(web, f"/ws/tasks/{task.pk}/", token=token) as socket:
            return seqs(received(socket, 31, timeout_seconds=30))

    with ThreadPoolExecutor(20) as clients:
        results = clients.map(follow, range(20))
        happen(task, times=30)

        assert list(results) == [list(range(1, 32))] * 20


def test_what_a_client_says_is_not_listened_to(web: WebServer, people: Cast, task: Task) -> None:
    with watching(web, f"/ws/tasks/{task.pk}/", people.alice) as socket:
        received(socket, 1)
        socket.send("hello")
        socket.send(b"\x00\xff")
        happen(task)

        assert seqs(received(socket, 1)) == [2]


def test_hundreds_of_quiet_sockets_need_no_thread_each(web: WebServer, people: Cast, task: Task) -> None:
    token = people.alice.token

    async def watch_all() -> int:
        url = f"{web.websocket_url}/ws/tasks/{task.pk}/"
        sockets = [await connect_async(url, subprotocols=offering(token)) for _ in range(100)]
        for socket in sockets:
            await socket.recv()
        threads = threading.active_count()
        await asyncio.gather(*(socket.close() for socket in sockets))
        return threads

    assert asyncio.run(watch_all()) < 50
