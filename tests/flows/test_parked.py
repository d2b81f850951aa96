"""Hops that wait for their agents hold nothing: no coroutine, no thread, no socket, no database connection."""

import asyncio
import os
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from a2a_project.delegating import DelegationThread
from delegation.models import Agent, Hop
from delegation.services.tasks import task_submit
from delegation.states import HopStatus
from tests.agents import Working
from tests.flows.conftest import Story

FEW, MANY = 10, 400
SECONDS = 60.0


@pytest.fixture(autouse=True)
def _calls_enough_for_all(settings: Any) -> None:
    settings.A2A_LIMIT_AGENT_CALLS_PER_HOUR = 100 * MANY


def held(worker: DelegationThread) -> tuple[int, int, int, int]:
    """Return what this process holds now: tasks of the worker's loop, threads, open files, database connections."""
    assert worker.event_loop is not None
    loop_tasks = len(asyncio.all_tasks(worker.event_loop))
    return loop_tasks, threading.active_count(), len(os.listdir("/proc/self/fd")), database_connections()  # noqa: PTH208


def database_connections() -> int:
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def park(story: Story, count: int) -> None:
    """Have so many hops wait for their agent in all, long enough for the worker to have nothing else to do."""
    for _ in range(count - Hop.objects.count()):
        task_submit(principal=story.people.alice.principal, message="m", now=timezone.now())
    until = time.monotonic() + SECONDS
    later = timezone.now() + timedelta(hours=1)
    while Hop.objects.filter(status=HopStatus.WAITING, due_at__gte=later).count() < count:
        assert time.monotonic() < until, Hop.objects.filter(status=HopStatus.WAITING).count()
        Hop.objects.filter(status=HopStatus.WAITING).update(due_at=later + timedelta(seconds=1))
        time.sleep(0.05)


def settled(worker: DelegationThread, most: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Return what is held when the last calls are over: idle connections to agents are closed after a while."""
    until = time.monotonic() + SECONDS
    while any(now > before for now, before in zip(held(worker), most, strict=True)) and time.monotonic() < until:
        time.sleep(0.2)
    return held(worker)


def test_many_parked_hops_hold_no_more_than_a_few(story: Story, worker: DelegationThread) -> None:
    story.agents.script("marketing-manager", Working(None))
    park(story, FEW)
    before = held(worker)

    park(story, MANY)

    after = settled(worker, before)
    assert all(now <= then for now, then in zip(after, before, strict=True)), (before, after)


def test_they_wake_in_the_order_they_fell_due(story: Story) -> None:
    story.agents.script("marketing-manager", Working(None))
    park(story, 60)
    # One at a time from here on: of calls at the same moment, on connections of their own, any may arrive first.
    Agent.objects.filter(agent_type="marketing-manager").update(max_concurrency=1)
    hops = list(Hop.objects.order_by("?"))
    due_at = timezone.now() - timedelta(seconds=60)
    asked = len(story.agents.calls("marketing-manager", "GetTask"))
    for place, hop in enumerate(hops):
        hop.due_at = due_at + timedelta(milliseconds=place)
    Hop.objects.bulk_update(hops, ["due_at"])

    until = time.monotonic() + SECONDS
    while len(story.agents.calls("marketing-manager", "GetTask")) < asked + len(hops):
        assert time.monotonic() < until
        time.sleep(0.01)
    order = [call.params["id"] for call in story.agents.calls("marketing-manager", "GetTask")[asked:]]

    assert list(dict.fromkeys(order)) == [hop.remote_task_id for hop in hops]
