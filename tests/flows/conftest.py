"""A customer at work: its people, its agents over real HTTP, and a worker on the broker of the settings."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import dramatiq
import pytest
from django.utils import timezone

from a2a_project.delegating import DelegationThread
from audit.models import AuthorizationLog, DelegationLog, LeakageLog
from delegation.models import Approval, Clarification, Hop, Task, TaskEvent
from delegation.services.questions import approval_vote, clarification_answer
from delegation.services.tasks import task_cancel, task_submit
from delegation.states import HOP_ENDED, TASK_ENDED, HopStatus, QuestionStatus, TaskStatus
from security.errors import PlatformError
from tests.agents import AgentServer
from tests.people import Cast, Person, team

# What the live page and the terminal read of each event.
_EVENT_KEYS = {
    "task.created": "agent priority message",
    "task.working": "",
    "task.input_required": "",
    "task.completed": "result hop_count cost_usd",
    "task.failed": "error",
    "task.canceled": "",
    "task.rejected": "error",
    "hop.started": "delegation_id parent_id depth agent_type agent_name attempt instruction",
    "hop.decided": "delegation_id action delegated_to confidence reason execution_time_seconds result_summary findings "
    "cost_usd",
    "hop.waiting": "delegation_id waiting_for",
    "hop.failed": "delegation_id error execution_time_seconds",
    "hop.canceled": "delegation_id",
    "hop.reported": "delegation_id notification",
    "approval.requested": "approval_id delegation_id parent_id depth agent_from agent_to reason confidence rule "
    "required instruction expires_at",
    "approval.granted": "approval_id delegation_id by comment",
    "approval.rejected": "approval_id delegation_id by comment",
    "approval.counted": "approval_id delegation_id by comment granted required",
    "approval.escalated": "approval_id delegation_id to",
    "approval.expired": "approval_id delegation_id",
    "clarification.requested": "clarification_id delegation_id agent_type question options expires_at",
    "clarification.answered": "clarification_id delegation_id answer by",
    "clarification.expired": "clarification_id delegation_id",
}
EVENT_KEYS = {type_: keys.split() for type_, keys in _EVENT_KEYS.items()}


def _catalogue(error: type[PlatformError] = PlatformError) -> Iterator[type[PlatformError]]:
    yield error
    for kind in error.__subclasses__():
        yield from _catalogue(kind)


USER_MESSAGES = {error.message for error in _catalogue()}


@dataclass(slots=True)
class Story:
    """What a test tells with: Alice submits, agents follow their scripts, and the outcome is read from the database."""

    people: Cast
    agents: AgentServer

    def submit(self, message: str = "Write a text.", *, by: Person | None = None, **details: Any) -> Task:
        person = by or self.people.alice
        return task_submit(principal=person.principal, message=message, now=timezone.now(), **details).task

    def ended(self, task: Task, *, within: float = 20) -> Task:
        """Return the task at its end, its record checked."""
        over = self.when(task, lambda now: now.status in TASK_ENDED, within=within)
        self.check_record(over)
        return over

    def asking(self, task: Task, questions: int = 1, *, within: float = 20) -> Task:
        """Return the task when it waits for so many answers or approvals."""
        return self.when(task, lambda now: now.open_questions == questions, within=within)

    def approval(self, task: Task, agent: str | None = None) -> Approval:
        found = Approval.objects.filter(task_id=task.id, status=QuestionStatus.OPEN)
        approval: Approval = found.get(agent_to=agent) if agent else found.get()
        return approval

    def vote(self, task: Task, agent: str | None = None, *, approved: bool = True) -> Approval:
        """Let Bob decide on the open approval (of the call to this agent)."""
        approval = self.approval(task, agent)
        return approval_vote(
            principal=self.people.bob.principal, approval_id=approval.id, approved=approved, now=timezone.now()
        )

    def answer(self, task: Task, answer: str, agent: str | None = None) -> Clarification:
        """Let Alice answer the open question (of this agent)."""
        found = Clarification.objects.filter(task_id=task.id, status=QuestionStatus.OPEN)
        question = found.get(agent_type=agent) if agent else found.get()
        return clarification_answer(
            principal=self.people.alice.principal, clarification_id=question.id, answer=answer, now=timezone.now()
        )

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

    def cancel(self, task: Task) -> None:
        task_cancel(principal=self.people.alice.principal, task_id=task.id, now=timezone.now())

    def event_data(self, task: Task, type_: str) -> list[dict[str, Any]]:
        return [row.data for row in TaskEvent.objects.filter(task_id=task.id, type=type_).order_by("seq")]

    def check_record(self, task: Task) -> None:
        """Hold an ended task against what must be true of every one."""
        events = list(TaskEvent.objects.filter(task_id=task.id).order_by("seq"))
        assert [event.seq for event in events] == list(range(1, task.last_seq + 1))
        for event in events:
            assert set(EVENT_KEYS[event.type]) <= set(event.data), event.type
        ends = [event.type for event in events if event.type.removeprefix("task.") in TASK_ENDED]
        assert ends == [f"task.{task.status}"] == [events[-1].type]
        hops = self.hops(task)
        assert {hop.status for hop in hops} <= set(HOP_ENDED)
        assert all(hop.owner is None for hop in hops)
        assert task.hop_count == len(hops)
        assert task.open_questions == 0
        decided = Counter(row.hop_id for row in self.decisions(task))
        assert set(decided.values()) <= {1}
        unrecorded = {hop.id for hop in hops if hop.status == HopStatus.COMPLETED} - decided.keys()
        assert not unrecorded
        assert (task.result is not None) == (task.status == TaskStatus.COMPLETED)
        told = {
            row.data["delegation_id"] for row in events if row.type in ("hop.decided", "hop.failed", "hop.canceled")
        }
        assert told == {str(hop.id) for hop in hops}
        self.check_texts(task)

    def check_texts(self, task: Task) -> None:
        """Nothing but the catalogue's own words stands where a client can read it."""
        words = {task.error_message, *(hop.error_message for hop in self.hops(task))}
        words |= {event["error"]["message"] for event in self.event_data(task, "hop.failed")}
        assert words - {""} <= USER_MESSAGES
        for row in self.decisions(task):
            _, _, message = row.error_message.partition(": ")
            assert message in USER_MESSAGES | {""}

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
