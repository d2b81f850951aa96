"""Submissions at the same moment share a transaction, and nothing else."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Barrier
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from delegation.models import Agent, Hop, Task
from delegation.services.tasks import Submission, prepared_task, task_submit
from delegation.states import Priority
from delegation.store.records import NewTask
from delegation.store.together import save_together
from tests.agents import AgentServer
from tests.people import Cast, Person, team

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 24


@pytest.fixture
def agents(people: Cast, agent_server: AgentServer) -> dict[str, Agent]:
    team(agent_server, customer_id="acmecorp")
    return team(agent_server)


def at_once(calls: list[Any]) -> list[Any]:
    """Make all the calls at the same moment; return what each returned or raised."""
    start = Barrier(len(calls))
    contexts = [copy_context() for _ in calls]

    def made(call: Any) -> Any:
        start.wait()
        try:
            return call()
        except IntegrityError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as threads:
        # Each in a context like this one: a new thread's has no rows.
        return list(threads.map(lambda context, call: context.run(made, call), contexts, calls))


def submit(person: Person, message: str, **more: Any) -> Submission:
    return task_submit(principal=person.principal, message=message, now=timezone.now(), **more)


def new(person: Person, agent: Agent, *, by: int | None = None) -> NewTask:
    task = prepared_task(
        principal=person.principal,
        agent=agent,
        message="Write.",
        priority=Priority.NORMAL,
        start=True,
        metadata={},
        idempotency_key=None,
        request_digest="",
        trace_id="0" * 32,
        now=timezone.now(),
    )
    if by is not None:
        task.task["created_by_id"] = by
    return task


def test_each_is_saved_once_for_its_own_customer(people: Cast, agents: dict[str, Agent]) -> None:
    people_at_once = [people.alice, people.zoe] * (MANY // 2)
    calls = [
        lambda person=person, number=number: submit(person, f"Write {number}.")
        for number, person in enumerate(people_at_once)
    ]
    made = at_once(calls)

    assert all(each.created for each in made)
    for number, (person, each) in enumerate(zip(people_at_once, made, strict=True)):
        saved = Task.objects.get(pk=each.task.pk)
        assert (saved.customer_id, saved.message) == (person.principal.customer_id, f"Write {number}.")
    assert Task.objects.count() == Hop.objects.count() == MANY


def test_of_one_idempotency_key_one_task_is_made(people: Cast, agents: dict[str, Agent]) -> None:
    made = at_once([lambda: submit(people.alice, "Write.", idempotency_key="launch")] * MANY)

    assert sum(each.created for each in made) == 1
    assert {each.task.pk for each in made} == {Task.objects.get().pk}


def test_one_that_cannot_be_saved_costs_the_others_nothing(people: Cast, agents: dict[str, Agent]) -> None:
    agent = agents["marketing-manager"]
    good = [new(people.alice, agent) for _ in range(MANY - 1)]
    nobodys = new(people.alice, agent, by=10**6)
    outcome = at_once([lambda task=task: save_together(task) for task in [*good, nobodys]])

    assert outcome[:-1] == [True] * len(good)
    assert isinstance(outcome[-1], IntegrityError)
    assert Task.objects.count() == len(good)
