"""Worker processes die, by kill -9 or by SIGTERM, in the middle of their work: nothing is lost, nothing told twice."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from django.conf import settings
from django.db import connection

from delegation.models import Hop, Task, Worker
from delegation.states import TASK_ENDED
from tests.agents import AgentServer, Slow, delegate, handle
from tests.flows.conftest import Story
from tests.people import Cast, team
from tests.processes import MANAGE, ROOT, eventually

TASKS = 20


def database_url() -> str:
    """Return the address of the test's database, for another process."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return f"{settings.DATABASE_URL.rpartition('/')[0]}/{name}"


@contextmanager
def worker_process() -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker of our own: `up` where all is embedded, else Dramatiq's. Whatever is left of it is killed."""
    command = ["rundramatiq", "--processes", "1"] if settings.BROKER_URL else ["up", "--port", "0"]
    process = subprocess.Popen(
        [sys.executable, MANAGE, *command],
        env=os.environ | {"DATABASE_URL": database_url()},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and its children, as a machine that fails does."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


@pytest.fixture
def installation(transactional_db: None, people: Cast, agent_server: AgentServer) -> Story:
    """Give a customer whose agents take their time, and no worker yet."""
    team(agent_server)
    agent_server.script("marketing-manager", Slow(0.2, delegate("copywriter")))
    agent_server.script("copywriter", Slow(0.2, handle("written")))
    return Story(people=people, agents=agent_server)


def check_everything_was_done_once(story: Story, tasks: list[Task]) -> None:
    until = time.monotonic() + 45
    while Task.objects.exclude(status__in=TASK_ENDED).exists():
        assert time.monotonic() < until, list(Task.objects.exclude(status__in=TASK_ENDED))
        time.sleep(0.05)
    for task in tasks:
        over = story.ended(task)
        assert (over.status, over.result, over.hop_count) == ("completed", "written", 2)
        assert [row.decision_action for row in story.decisions(over)] == ["delegate", "handle"]
    # Whoever was called again was called with the same message.
    assert set(story.agents.counts()) == {str(id_) for id_ in Hop.objects.values_list("id", flat=True)}


def _reached(story: Story, calls: int) -> Callable[[], bool]:
    return lambda: len(story.agents.calls("copywriter")) >= calls


@pytest.mark.slow
def test_a_killed_workers_tasks_are_ended_by_the_next(installation: Story) -> None:
    tasks = [installation.submit(f"task {n}") for n in range(TASKS)]
    for calls in (1, 12):
        with worker_process():
            assert eventually(_reached(installation, calls), seconds=40)

    with worker_process():
        check_everything_was_done_once(installation, tasks)

    repeats = sum(count - 1 for count in installation.agents.counts().values())
    assert repeats <= 2 * TASKS


@pytest.mark.slow
@pytest.mark.skipif(settings.EMBEDDED, reason="an embedded database has one worker")
def test_a_living_worker_takes_over_from_a_dead_one(installation: Story) -> None:
    with worker_process() as first, worker_process():
        assert eventually(lambda: Worker.objects.count() == 2, seconds=40)
        tasks = [installation.submit(f"task {n}") for n in range(TASKS)]
        assert eventually(_reached(installation, 1), seconds=20)
        kill(first)
        check_everything_was_done_once(installation, tasks)


@pytest.mark.slow
def test_a_worker_that_is_told_to_stop_ends_its_calls_and_says_goodbye(installation: Story) -> None:
    with worker_process() as process:
        tasks = [installation.submit(f"task {n}") for n in range(TASKS)]
        assert eventually(installation.agents.calls, seconds=40)
        process.terminate()
        assert process.wait(30) == 0
    assert not Worker.objects.exists()
    assert not Hop.objects.filter(status="running").exists()
    assert all(count == 1 for count in installation.agents.counts().values())

    with worker_process():
        check_everything_was_done_once(installation, tasks)
    assert all(count == 1 for count in installation.agents.counts().values())
