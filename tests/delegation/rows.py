"""Rows as the delegation loop leaves them, for screens to show."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from audit.models import AuthorizationLog, DelegationLog, LeakageLog
from delegation.models import Agent, Approval, Clarification, Hop, Task
from delegation.services.tasks import task_submit
from delegation.states import Action, HopStatus
from delegation.store.rows import call_digest
from tests.people import Person


def employ(agent_type: str, *, customer_id: str = "techcorp", **fields: Any) -> Agent:
    return Agent.objects.create(
        customer_id=customer_id,
        ve_id=f"ve-{agent_type}",
        agent_type=agent_type,
        name=agent_type.replace("-", " ").title(),
        endpoint_url=f"http://127.0.0.1:9/{agent_type}",
        **fields,
    )


def submitted(person: Person, message: str = "Write a launch post.", **more: Any) -> Task:
    """Return a task just accepted; the customer must employ a manager."""
    return task_submit(principal=person.principal, message=message, now=timezone.now(), **more).task


def hop(task: Task, parent: Hop | None = None, **fields: Any) -> Hop:
    """Return a hop that was handled in two seconds, unless the fields say otherwise."""
    now = timezone.now()
    agent_type = fields.get("agent_type", "copywriter")
    every: dict[str, Any] = {
        "agent_type": agent_type,
        "agent_ve_id": f"ve-{agent_type}",
        "depth": parent.depth + 1 if parent else 0,
        "path": [agent_type],
        "instruction": "Write 120 words.",
        "created_at": now,
        "started_at": now,
    }
    done = {
        "status": HopStatus.COMPLETED,
        "action": Action.HANDLE,
        "result": "120 words",
        "confidence": 0.9,
        "completed_at": now + timedelta(seconds=2),
    }
    columns = every | ({} if "status" in fields else done) | fields
    return Hop.objects.create(task=task, customer_id=task.customer_id, parent=parent, **columns)


def approval(waiting: Hop) -> Approval:
    now = timezone.now()
    _ask(waiting.task)
    return Approval.objects.create(
        task=waiting.task,
        hop=waiting,
        customer_id=waiting.customer_id,
        agent_from="manager",
        agent_to=waiting.agent_type,
        reason="Money leaves the company.",
        confidence=0.8,
        instruction=waiting.instruction,
        path=waiting.path,
        call_digest=call_digest(Hop.objects.filter(id=waiting.id).values().get()),
        created_at=now,
        expires_at=now + timedelta(hours=1),
    )


def clarification(waiting: Hop, *options: str) -> Clarification:
    now = timezone.now()
    _ask(waiting.task)
    return Clarification.objects.create(
        task=waiting.task,
        hop=waiting,
        customer_id=waiting.customer_id,
        agent_type=waiting.agent_type,
        question="Who is the audience?",
        options=list(options),
        created_at=now,
        expires_at=now + timedelta(hours=1),
    )


def _ask(task: Task) -> None:
    Task.objects.filter(id=task.id).update(status="input_required", open_questions=1)


def logged(task: Task) -> tuple[DelegationLog, AuthorizationLog, LeakageLog]:
    """Return one row of each log."""
    now = timezone.now()
    who = {"agent_ve_id": "ve-copywriter", "created_at": now, "customer_id": task.customer_id, "task_id": task.id}
    decision = DelegationLog.objects.create(
        hop_id=task.id, delegation_depth=0, agent_type="copywriter", decision_action="handle", status="completed", **who
    )
    ruling = AuthorizationLog.objects.create(
        target_agent_type="editor",
        action="delegate_to",
        authorized=False,
        denied_reason="above its rank",
        request_headers={"X-Customer-ID": task.customer_id},
        **who,
    )
    return decision, ruling, finding(task)


def finding(task: Task) -> LeakageLog:
    """Return what the leak detector found in an answer."""
    log: LeakageLog = LeakageLog.objects.create(
        task_id=task.id,
        customer_id=task.customer_id,
        hop_id=task.id,
        agent_type="copywriter",
        agent_ve_id="ve-copywriter",
        severity="high",
        detection_type="credential_leak",
        detected_content_preview="ghp_****",
        confidence=0.99,
        action_taken="blocked",
        metadata={"kind": "github_pat"},
        created_at=timezone.now(),
    )
    return log
