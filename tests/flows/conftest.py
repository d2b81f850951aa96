"""A customer at work: its people, its agents over real HTTP, and a worker on the broker of the settings."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import dramatiq
import pytest
from django.utils import timezone

from a2a_project.delegating import DelegationThread
from audit.models import AuthorizationLog, DelegationLog, LeakageLog
from delegation.models import Hop, Task, TaskEvent
from delegation.services.tasks import task_submit
from delegation.states import TASK_ENDED
from tests.agents import AgentServer
from tests.people import Cast, Person, team


@dataclass(slots=True)
class Story:
    """What a test tells with: Alice submits, agents follow their scripts, and the outcome is read from the database."""

    people: Cast
    agents: AgentServer

    def submit(self, message: str = "Write a text.", *, by: Person | None = None, **details: Any) -> Task:
        person = by or self.people.alice
        return task_submit(principal=person.principal, message=message, now=timezone.now(), **details).task

    def ended(self, task: Task, *, within: float = 20) -> Task:
        return self.when(task, lambda now: now.status in TASK_ENDED, within=within)

    def when(self, task: Task, reached: Callable[[Task], bool], *, within: float = 20) -> Task:
        """Return the task as soon as it is so; fail with its story so far when it does not come to it."""
        until = time.monotonic() + within
        while time.monotonic() < until:
            now = Task.objects.get(id=task.id)
            if reached(now):
                return now
            time.sleep(0.01)
        raise AssertionError(f"{now} {self.events(task)} {[str(hop) for hop in self.hops(task)]}")

    def hops(self, task: Task) -> list[Hop]:
        return list(Hop.objects.filter(task_id=task.id).order_by("id"))

    def events(self, task: Task) -> list[str]:
        return [event.type for event in TaskEvent.objects.filter(task_id=task.id).order_by("seq")]

    def decisions(self, task: Task) -> list[DelegationLog]:
        return list(DelegationLog.objects.filter(task_id=task.id).order_by("id"))

    def rulings(self, task: Task) -> list[AuthorizationLog]:
        return list(AuthorizationLog.objects.filter(task_id=task.id).order_by("id"))

    def leaks(self, task: Task) -> list[LeakageLog]:
        return list(LeakageLog.objects.filter(task_id=task.id).order_by("id"))


@pytest.fixture
def worker(transactional_db: None) -> Iterator[DelegationThread]:
    """Run one worker in this process, fed by the broker of the settings."""
    broker = dramatiq.get_broker()
    broker.flush_all()
    dramatiq_worker = dramatiq.Worker(broker, worker_threads=1, worker_timeout=100)
    loop = DelegationThread()
    loop.after_process_boot(broker)
    assert loop.started.wait(10)
    dramatiq_worker.start()
    yield loop
    dramatiq_worker.stop()
    loop.after_worker_shutdown(broker, dramatiq_worker)


@pytest.fixture
def story(people: Cast, agent_server: AgentServer, worker: DelegationThread) -> Story:
    team(agent_server)
    return Story(people=people, agents=agent_server)
