"""The leak scan of what an agent decided, before anything else sees it."""

from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import orjson

from audit.models import PREVIEW_LENGTH
from delegation.policy.decision import Decision, Subtask
from delegation.store.records import ClaimedHop, Row
from delegation.store.rows import new_id
from security.leakage import Action, Detector, Finding, Policy, Tenant, preview, redact
from security.models import Customer


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """The decision as it may travel on, the rows of its findings (from warning up), and whether it is blocked."""

    decision: Decision
    rows: tuple[Row, ...] = ()
    blocked: bool = False
    severities: tuple[str, ...] = ()


def read_tenants() -> list[Tenant]:
    """Return every customer by what it may be recognised by."""
    return [
        Tenant(
            customer_id=customer.id,
            name=customer.name,
            aliases=tuple(customer.aliases),
            domains=tuple(customer.domains),
            identifiers=tuple(customer.identifiers),
        )
        for customer in Customer.objects.all()
    ]


def screen(
    decision: Decision,
    *,
    hop: ClaimedHop,
    ve_id: str,
    known: Container[str],
    detector: Detector,
    policy: Policy,
    at: datetime,
) -> Screened:
    """Scan each text of the decision, redact what the policy wants redacted, and say whether to block it."""
    found = [
        (field, text, findings)
        for field, text in _texts(decision, known)
        if (findings := detector.scan(text, customer_id=hop.task.customer_id))
    ]
    if not found:
        return Screened(decision=decision)
    everything = [finding for _, _, findings in found for finding in findings]
    blocked = policy.verdict(everything) == Action.BLOCKED
    rows = tuple(
        _row(finding, findings, text=text, field=field, hop=hop, ve_id=ve_id, policy=policy, at=at)
        for field, text, findings in found
        for finding in findings
        if finding.severity != "info"
    )
    cleaned = {field: redact(text, policy.to_redact(findings)) for field, text, findings in found}
    return Screened(
        decision=_withheld(decision, cleaned) if blocked else _with_texts(decision, cleaned),
        rows=rows,
        blocked=blocked,
        severities=tuple(finding.severity for finding in everything if finding.severity != "info"),
    )


def _texts(decision: Decision, known: Container[str]) -> Iterator[tuple[str, str]]:
    """Yield each text of the decision under a name that finds it again; an agent's own name leaks nothing."""
    if decision.reason:
        yield "reason", decision.reason
    if isinstance(decision.result, str):
        yield "result", decision.result
    elif decision.result is not None:
        yield "result", orjson.dumps(decision.result).decode()
    if decision.question:
        yield "question", decision.question
    for place, option in enumerate(decision.options):
        yield f"options.{place}", option
    for place, subtask in enumerate(decision.subtasks):
        if subtask.delegated_to not in known:
            yield f"delegated_to.{place}", subtask.delegated_to
        if subtask.instruction:
            yield f"subtasks.{place}", subtask.instruction


def _with_texts(decision: Decision, cleaned: dict[str, str]) -> Decision:
    result = decision.result
    if "result" in cleaned:
        result = cleaned["result"] if isinstance(result, str) else _parsed(cleaned["result"])
    return replace(
        decision,
        reason=cleaned.get("reason", decision.reason),
        result=result,
        question=cleaned.get("question", decision.question),
        options=tuple(cleaned.get(f"options.{n}", option) for n, option in enumerate(decision.options)),
        subtasks=tuple(
            replace(
                subtask,
                delegated_to=cleaned.get(f"delegated_to.{n}", subtask.delegated_to),
                instruction=cleaned.get(f"subtasks.{n}", subtask.instruction),
            )
            for n, subtask in enumerate(decision.subtasks)
        ),
    )


def _parsed(cleaned: str) -> object:
    """Return the redacted JSON as a value; where a number was redacted it is JSON no more, and stays a text."""
    try:
        value: object = orjson.loads(cleaned)
    except orjson.JSONDecodeError:
        return cleaned
    return value


def _withheld(decision: Decision, cleaned: dict[str, str]) -> Decision:
    """Return what may be kept of a blocked decision: that it was made, and to whom it was to go; no text of it."""
    return replace(
        decision,
        reason="",
        result=None,
        question="",
        options=(),
        subtasks=tuple(
            Subtask(delegated_to=cleaned.get(f"delegated_to.{n}", subtask.delegated_to))
            for n, subtask in enumerate(decision.subtasks)
        ),
    )


def _row(
    finding: Finding,
    findings: list[Finding],
    *,
    text: str,
    field: str,
    hop: ClaimedHop,
    ve_id: str,
    policy: Policy,
    at: datetime,
) -> Row:
    action = policy.action(finding)
    return {
        "id": new_id(),
        "task_id": hop.task.id,
        "customer_id": hop.task.customer_id,
        "hop_id": hop.id,
        "agent_type": hop.agent_type,
        "agent_ve_id": ve_id,
        "severity": finding.severity,
        "detection_type": finding.detection_type,
        "detected_content_preview": preview(text, finding, findings)[:PREVIEW_LENGTH],
        "confidence": finding.confidence,
        "action_taken": action,
        "redacted_response": redact(text, findings) if action == Action.REDACTED else "",
        "metadata": {"kind": finding.kind, "field": field, "start": finding.start, "end": finding.end},
        "created_at": at,
    }
