from datetime import timedelta

import pytest
from django.utils import timezone

from delegation.live.consumers import LOOK_AGAIN_SECONDS
from delegation.live.feed import feed
from delegation.live.following import CustomerFollower
from delegation.models import Agent, Task
from delegation.services.tasks import task_cancel
from tests.delegation.live.consumers.watching import (
    happen,
    happen_unannounced,
    quiet,
    received,
    seqs,
    submitted,
    watching,
)
from tests.people import Cast
from tests.web import WebServer

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_customers_stream_tells_each_event_of_each_task_once_from_now_on(
    web: WebServer, people: Cast, agents: dict[str, Agent]
) -> None:
    before = submitted(people.alice)
    ended = submitted(people.alice)
    task_cancel(principal=people.alice.principal, task_id=ended.pk, now=timezone.now())
    happen(before)

    with watching(web, "/ws/tasks/", people.alice) as socket:
        assert quiet(socket, seconds=0.3)
        happen(before, times=2)
        new = submitted(people.alice)
        happen(new)
        feed.announce({ended.pk: ("techcorp", 3)})
        told = received(socket, 4)
        assert quiet(socket, seconds=LOOK_AGAIN_SECONDS + 0.5)

    assert seqs([event for event in told if event["task_id"] == str(before.pk)]) == [3, 4]
    assert seqs([event for event in told if event["task_id"] == str(new.pk)]) == [1, 2]


def test_the_customers_stream_finds_what_nobody_announced(
    web: WebServer, people: Cast, agents: dict[str, Agent]
) -> None:
    known = submitted(people.alice)
    with watching(web, "/ws/tasks/", people.alice) as socket:
        assert quiet(socket, seconds=0.3)
        happen_unannounced(known)
        Task.objects.filter(pk=known.pk).update(status="canceled", completed_at=timezone.now())
        quick = Task.objects.create(
            customer_id="techcorp",
            agent_type="editor",
            message="Came and went.",
            status="canceled",
            trace_id="0" * 32,
            created_at=timezone.now(),
            completed_at=timezone.now(),
            deadline_at=timezone.now(),
        )
        happen_unannounced(quick, times=2)

        told = received(socket, 3, timeout_seconds=LOOK_AGAIN_SECONDS + 2)
        assert quiet(socket, seconds=LOOK_AGAIN_SECONDS + 0.5)

    assert sorted((event["task_id"], event["seq"]) for event in told) == sorted(
        [(str(known.pk), 2), (str(quick.pk), 1), (str(quick.pk), 2)]
    )


def test_the_customers_stream_loses_nothing_under_load(web: WebServer, people: Cast, agents: dict[str, Agent]) -> None:
    with watching(web, "/ws/tasks/", people.alice) as socket:
        assert quiet(socket, seconds=0.3)

        def work(_: int) -> str:
            task = submitted(people.alice)
            happen(task, times=4)
            return str(task.pk)

        ids = [work(number) for number in range(30)]
        told = received(socket, 150)
        assert quiet(socket, seconds=0.3)

    by_task = {task_id: seqs([event for event in told if event["task_id"] == task_id]) for task_id in ids}
    assert by_task == {task_id: [1, 2, 3, 4, 5] for task_id in ids}


def test_the_customers_stream_holds_nothing_of_another(web: WebServer, people: Cast, agents: dict[str, Agent]) -> None:
    with watching(web, "/ws/tasks/", people.zoe) as socket:
        task = submitted(people.alice)
        happen(task)
        feed.announce({task.pk: ("acmecorp", 2)})

        assert quiet(socket, seconds=LOOK_AGAIN_SECONDS + 0.5)


def test_what_ended_long_ago_is_forgotten(people: Cast, task: Task) -> None:
    follower = CustomerFollower(principal=people.alice.principal, now=timezone.now())
    task_cancel(principal=people.alice.principal, task_id=task.pk, now=timezone.now())
    assert sum(map(len, follower.batches({task.pk}))) == 2

    hours_ago = timezone.now() - timedelta(hours=1)
    follower._ended[task.pk] = hours_ago
    Task.objects.filter(pk=task.pk).update(completed_at=hours_ago)

    assert list(follower.batches({task.pk})) == []
    assert list(follower.batches({task.pk})) == []
    assert len(follower._seen) == 1
