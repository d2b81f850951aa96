"""Two customers with a row in every table that belongs to one."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.utils import timezone

from audit.feedback import feedback_give
from audit.models import LeakFeedback
from delegation.models import Agent, AgentGrant, ApprovalRules, ApprovalVote, DelegationRule, Hop, Task, TaskEvent
from security.leak_models import AllowedFinding, Canary, LeakPolicy, RegisteredValue
from security.models import Login, RateLimit
from tests.delegation import rows
from tests.people import Cast, Person


@dataclass(frozen=True, slots=True)
class Estate:
    """What a customer has: a task with all that hangs on it, and the names of its things."""

    person: Person
    task: Task
    hop: Hop
    agents: tuple[Agent, Agent]
    finding: Any

    @property
    def customer_id(self) -> str:
        return self.person.principal.customer_id


@pytest.fixture
def ours(people: Cast) -> Estate:
    """Give TechCorp its rows."""
    return laid_out(people.alice)


@pytest.fixture
def theirs(people: Cast) -> Estate:
    """Give AcmeCorp its rows."""
    return laid_out(people.zoe)


def laid_out(person: Person) -> Estate:
    customer_id = person.principal.customer_id
    agents = tuple(rows.employ(kind, customer_id=customer_id) for kind in ("copywriter", "editor"))
    task = rows.submitted(person, f"A secret of {customer_id}", agent_type="copywriter")
    first = Hop.objects.get(task=task)
    asking, waiting = rows.hop(task, first), rows.hop(task, first)
    vote = {"approval": rows.approval(waiting), "user": person.user, "approved": True, "created_at": timezone.now()}
    ApprovalVote.objects.create(**vote)
    rows.clarification(asking)
    *_, finding = rows.logged(task)
    false_alarm = LeakFeedback.Verdict.FALSE_ALARM
    feedback_give(finding=finding, verdict=false_alarm, note="", by_id=1, by="x", now=timezone.now())
    _rules(person, agents[0], agents[1])
    assert TaskEvent.objects.filter(task=task).exists()
    return Estate(person=person, task=task, hop=first, agents=(agents[0], agents[1]), finding=finding)


def _rules(person: Person, source: Agent, target: Agent) -> None:
    now, own = timezone.now(), {"customer_id": person.principal.customer_id}
    assert person.api_key
    Login.objects.create(
        user=person.user, token_digest="0", created_at=now, refreshed_at=now, expires_at=now + timedelta(days=1), **own
    )
    RateLimit.objects.create(limit_type="customer_tasks", allowed=7, **own)
    LeakPolicy.objects.create(**own)
    Canary.objects.create(planted="in a document", **own)
    RegisteredValue.objects.create(label="a project", digest=uuid4().hex, key_id="k", **own)
    AllowedFinding.objects.create(kind="email", reason="ours", owner=person.user, expires_at=now, **own)
    ApprovalRules.objects.create(**own)
    DelegationRule.objects.create(agent_from=source, agent_to=target, effect="allow", reason="x", **own)
    may = Permission.objects.get(codename="invoke_agent")
    AgentGrant.objects.create(user=person.user, content_object=source, permission=may)


def asked(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run SQL by hand and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []
