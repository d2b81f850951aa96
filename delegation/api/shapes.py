"""Rows in the shapes that the outside sees. Everything returned is plain JSON: texts, numbers, lists, dicts."""

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.core.exceptions import ObjectDoesNotExist

from delegation.models import Agent, AgentGrant, Approval, Clarification, DelegationRule, Hop, Task, TaskEvent
from delegation.services.budgets import task_budget
from delegation.states import TaskStatus
from security.models import ApiKey

SUMMARY_LENGTH = 500

Shape = dict[str, Any]


def submitted_shape(task: Task) -> Shape:
    """Return the task as it was when it was accepted, whatever has become of it since.

    A submission that is repeated with the same Idempotency-Key is thus answered word for word.
    """
    return _request_of(task) | {
        "status": TaskStatus.SUBMITTED.value,
        "result": None,
        "error": None,
        "started_at": None,
        "completed_at": None,
        "hop_count": 0,
        "depth_reached": 0,
        "open_questions": 0,
        "input_tokens": 0,
        "output_tokens": 0,
        "cost_usd": 0.0,
        "budget": None,
    }


def task_shape(task: Task) -> Shape:
    """Return the task as it stands."""
    return _request_of(task) | {
        "status": task.status,
        "result": task.result,
        "error": _error(task),
        "started_at": iso(task.started_at),
        "completed_at": iso(task.completed_at),
        "hop_count": task.hop_count,
        "depth_reached": task.depth_reached,
        "open_questions": task.open_questions,
        "input_tokens": task.input_tokens,
        "output_tokens": task.output_tokens,
        "cost_usd": float(task.cost_usd),
        "budget": _budget_of(task),
    }


def _budget_of(task: Task) -> Shape | None:
    """Return what the task may use, has used and has left; None where it has no budget."""
    budget = task_budget(task)
    if budget is None:
        return None
    return {
        name: None if part is None else {"allowed": part.allowed, "used": part.used, "left": part.left}
        for name, part in (("tokens", budget.tokens), ("cost_usd", budget.cost_usd))
    }


def _request_of(task: Task) -> Shape:
    return {
        "task_id": str(task.pk),
        "customer_id": task.customer_id,
        "message": task.message,
        "agent": task.agent_type,
        "priority": task.priority,
        "metadata": task.metadata,
        "created_at": iso(task.created_at),
        "deadline_at": iso(task.deadline_at),
        "trace_id": task.trace_id,
    }


def delegation_shape(hop: Hop) -> Shape:
    """Return one hop with its decision, and the questions that it waits or waited for, if any."""
    return {
        "delegation_id": str(hop.pk),
        "task_id": str(hop.task_id),
        "parent_id": _id(hop.parent_id),
        "resumes_id": _id(hop.resumes_id),
        "depth": hop.depth,
        "branch": hop.branch,
        "attempt": hop.attempt,
        "agent_type": hop.agent_type,
        "agent_ve_id": hop.agent_ve_id,
        "path": hop.path,
        "instruction": hop.instruction,
        "status": hop.status,
        "action": hop.action,
        "delegated_to": hop.delegated_to or None,
        "confidence": hop.confidence,
        "reason": hop.reason,
        "result_summary": summary_of(hop.result),
        "error": _error(hop),
        "findings": hop.findings,
        "input_tokens": hop.input_tokens,
        "output_tokens": hop.output_tokens,
        "cost_usd": float(hop.cost_usd),
        "execution_time_seconds": seconds_between(hop.started_at, hop.completed_at),
        "created_at": iso(hop.created_at),
        "started_at": iso(hop.started_at),
        "completed_at": iso(hop.completed_at),
        "approval": _question_of(hop, "approval"),
        "clarification": _question_of(hop, "clarification"),
    }


def _question_of(hop: Hop, kind: str) -> Shape | None:
    try:
        question = getattr(hop, kind)
    except ObjectDoesNotExist:
        return None
    return _approval(question) if kind == "approval" else _clarification(question)


def approval_shape(approval: Approval) -> Shape:
    """Return the approval with the task that it belongs to (select_related), so that it can be decided on alone."""
    return _approval(approval) | {"task": _context_of(approval.task)}


def _approval(approval: Approval) -> Shape:
    return {
        "approval_id": str(approval.pk),
        "task_id": str(approval.task_id),
        "delegation_id": str(approval.hop_id),
        "status": approval.status,
        "agent_from": approval.agent_from,
        "agent_to": approval.agent_to,
        "reason": approval.reason,
        "confidence": approval.confidence,
        "instruction": approval.instruction,
        "path": approval.path,
        "rule": approval.rule,
        "decider": approval.decider or None,
        "escalates_at": iso(approval.escalates_at),
        "call_digest": approval.call_digest,
        "required": approval.required,
        "granted": approval.granted,
        "created_at": iso(approval.created_at),
        "expires_at": iso(approval.expires_at),
        "resolved_at": iso(approval.resolved_at),
    }


def clarification_shape(clarification: Clarification) -> Shape:
    """Return the question with the task that it belongs to (select_related)."""
    return _clarification(clarification) | {"task": _context_of(clarification.task)}


def _clarification(clarification: Clarification) -> Shape:
    return {
        "clarification_id": str(clarification.pk),
        "task_id": str(clarification.task_id),
        "delegation_id": str(clarification.hop_id),
        "agent_type": clarification.agent_type,
        "question": clarification.question,
        "options": clarification.options,
        "status": clarification.status,
        "answer": clarification.answer or None,
        "created_at": iso(clarification.created_at),
        "expires_at": iso(clarification.expires_at),
        "resolved_at": iso(clarification.resolved_at),
    }


def _context_of(task: Task) -> Shape:
    return {
        "message": task.message,
        "agent": task.agent_type,
        "priority": task.priority,
        "status": task.status,
        "hop_count": task.hop_count,
        "cost_usd": float(task.cost_usd),
        "created_at": iso(task.created_at),
    }


def event_shape(event: TaskEvent) -> Shape:
    """Return a numbered event, as the websocket and the events address tell it."""
    return {
        "task_id": str(event.task_id),
        "seq": event.seq,
        "type": event.type,
        "at": iso(event.at),
        "data": event.data,
    }


def agent_shape(agent: Agent) -> Shape:
    """Return a virtual employee."""
    return {
        "agent_id": str(agent.pk),
        "customer_id": agent.customer_id,
        "ve_id": agent.ve_id,
        "agent_type": agent.agent_type,
        "name": agent.name,
        "description": agent.description,
        "seniority": agent.seniority,
        "skills": agent.skills,
        "endpoint_url": agent.endpoint_url,
        "is_root": agent.is_root,
        "requires_approval": agent.requires_approval,
        "restricted": agent.restricted,
        "enabled": agent.enabled,
        "in_flight": agent.in_flight,
        "disabled_reason": agent.disabled_reason,
        "timeout_seconds": agent.timeout_seconds,
        "credential_kind": agent.credential_kind or None,
        "credential_set_at": iso(agent.credential_set_at),
        "calls_per_hour": agent.calls_per_hour,
        "expected_tokens": agent.expected_tokens,
        "expected_cost_usd": None if agent.expected_cost_usd is None else float(agent.expected_cost_usd),
        "max_concurrency": agent.max_concurrency,
        "card_fetched_at": iso(agent.card_fetched_at),
        "created_at": iso(agent.created_at),
    }


def key_shape(key: ApiKey) -> Shape:
    """Return an API key by what it is recognised by; the key itself is known to nobody."""
    return {
        "key_id": str(key.key_id),
        "customer_id": key.customer_id,
        "name": key.name,
        "prefix": key.prefix,
        "username": key.user.get_username(),
        "scopes": key.scopes,
        "created_at": iso(key.created_at),
        "last_used_at": iso(key.last_used_at),
        "expires_at": iso(key.expires_at),
        "revoked_at": iso(key.revoked_at),
    }


def rule_shape(rule: DelegationRule) -> Shape:
    """Return an exception to the rule of rank."""
    return {
        "rule_id": str(rule.id),
        "customer_id": rule.customer_id,
        "agent_from": rule.agent_from.agent_type,
        "agent_to": rule.agent_to.agent_type,
        "effect": rule.effect,
        "reason": rule.reason,
        "owner": rule.owner and rule.owner.get_username(),
        "created_at": iso(rule.created_at),
    }


def grant_shape(grant: AgentGrant) -> Shape:
    """Return what a member may do with one agent."""
    return {
        "grant_id": str(grant.id),
        "customer_id": grant.content_object.customer_id,
        "agent": grant.content_object.agent_type,
        "username": grant.user.get_username(),
        "may": grant.permission.codename.removesuffix("_agent"),
        "created_at": iso(grant.created_at),
    }


def summary_of(result: Any) -> str:
    """Return the first 500 characters of a result, which may be text or JSON."""
    if result is None:
        return ""
    text = result if isinstance(result, str) else orjson.dumps(result).decode()
    return text[:SUMMARY_LENGTH]


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    """Return the seconds from start to end, or None while either is unknown."""
    return None if start is None or end is None else (end - start).total_seconds()


def _error(row: Task | Hop) -> Shape | None:
    return {"code": row.error_code, "message": row.error_message} if row.error_code else None


def iso(at: datetime | None) -> str | None:
    """Return a point in time as the API writes it."""
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def _id(value: UUID | None) -> str | None:
    return None if value is None else str(value)
