"""A client of the REST door for each person, and rows as the delegation loop leaves them."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from delegation.models import Agent, Approval, Clarification, Hop, Task
from delegation.services.tasks import task_submit
from delegation.states import Action, HopStatus
from delegation.store.rows import call_digest
from tests.agents import AgentServer
from tests.people import Cast, Person, team


class Api:
    """Speak to the API as one person, by JSON and with a token."""

    def __init__(self, person: Person | None = None) -> None:
        headers = {"Authorization": f"Bearer {person.token}"} if person else {}
        self._client = Client(headers=headers, raise_request_exception=False)

    def get(self, path: str, query: dict[str, Any] | None = None, **headers: str) -> Any:
        return self._client.get(_address(path), query, headers=_named(headers))

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._send("post", path, body, headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._send("patch", path, body, headers)

    def delete(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._send("delete", path, body, headers)

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        send = getattr(self._client, method)
        return send(_address(path), body or {}, content_type="application/json", headers=_named(headers))


def _address(path: str) -> str:
    return path if path.startswith("/") else f"/api/v1/{path}"


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture
def alice(people: Cast) -> Api:
    return Api(people.alice)


@pytest.fixture
def bob(people: Cast) -> Api:
    return Api(people.bob)


@pytest.fixture
def carol(people: Cast) -> Api:
    return Api(people.carol)


@pytest.fixture
def zoe(people: Cast) -> Api:
    return Api(people.zoe)


@pytest.fixture
def agents(people: Cast, agent_server: AgentServer) -> dict[str, Agent]:
    """TechCorp's team, by agent type."""
    return team(agent_server)


@pytest.fixture
def task(people: Cast, agents: dict[str, Agent]) -> Task:
    """A task of Alice's, just accepted."""
    return submitted(people.alice)


def submitted(person: Person, message: str = "Write a launch post.", **more: Any) -> Task:
    return task_submit(principal=person.principal, message=message, now=timezone.now(), **more).task


def first_hop(task: Task, **fields: Any) -> Hop:
    """Return the task's first hop after the loop has settled it so."""
    hop = Hop.objects.get(task=task, depth=0)
    Hop.objects.filter(pk=hop.pk).update(**fields)
    hop.refresh_from_db()
    return hop


def delegated(task: Task) -> tuple[Hop, Hop]:
    """Let the manager have delegated to the copywriter, who waits."""
    now = timezone.now()
    parent = first_hop(
        task,
        status=HopStatus.COMPLETED,
        action=Action.DELEGATE,
        delegated_to="copywriter",
        confidence=0.8,
        reason="A copywriter's work.",
        started_at=now,
        completed_at=now + timedelta(seconds=2),
    )
    child = Hop.objects.create(
        task=task,
        customer_id=task.customer_id,
        parent=parent,
        depth=1,
        agent_type="copywriter",
        agent_ve_id="techcorp-002",
        path=["marketing-manager", "copywriter"],
        instruction="Write 120 words.",
        status=HopStatus.WAITING,
        created_at=now,
    )
    return parent, child


def digest_of(hop: Hop) -> str:
    call = {"id": hop.pk, "agent_type": hop.agent_type, "agent_ve_id": hop.agent_ve_id}
    return call_digest(call | {"instruction": hop.instruction, "path": hop.path})


def waiting_for_approval(task: Task) -> Approval:
    parent, child = delegated(task)
    _ask(task)
    return Approval.objects.create(
        task=task,
        hop=child,
        customer_id=task.customer_id,
        agent_from=parent.agent_type,
        agent_to=child.agent_type,
        reason=parent.reason,
        confidence=parent.confidence,
        instruction=child.instruction,
        path=child.path,
        call_digest=digest_of(child),
        created_at=timezone.now(),
        expires_at=timezone.now() + timedelta(hours=1),
    )


def waiting_for_answer(task: Task) -> Clarification:
    hop = first_hop(task, status=HopStatus.WAITING, action=Action.ASK_CLARIFICATION)
    _ask(task)
    return Clarification.objects.create(
        task=task,
        hop=hop,
        customer_id=task.customer_id,
        agent_type=hop.agent_type,
        question="Who is it for?",
        options=["Home baristas", "Offices"],
        created_at=timezone.now(),
        expires_at=timezone.now() + timedelta(hours=1),
    )


def _ask(task: Task) -> None:
    Task.objects.filter(pk=task.pk).update(status="input_required", open_questions=1)
