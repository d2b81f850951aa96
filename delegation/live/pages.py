"""What the live pages show: rows turned into the shapes that templates render and the browser goes on from."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Left

from delegation.models import Approval, Clarification, Hop, Task
from delegation.states import HOP_ENDED, TASK_ENDED, Action, HopStatus, QuestionStatus, TaskStatus

PAGE_LENGTH = 25
# A tree of a hundred hops with texts of 100 KB each must stay readable: the whole text is on the hop's own page.
CLIP_LENGTH = 600

TASK_LABELS = {
    TaskStatus.SUBMITTED: "Submitted",
    TaskStatus.WORKING: "Working",
    TaskStatus.INPUT_REQUIRED: "Needs input",
    TaskStatus.COMPLETED: "Completed",
    TaskStatus.FAILED: "Failed",
    TaskStatus.CANCELED: "Canceled",
    TaskStatus.REJECTED: "Rejected",
}
HOP_LABELS = {
    HopStatus.PENDING: "Queued",
    HopStatus.RUNNING: "Working",
    HopStatus.WAITING: "Waiting",
    HopStatus.COMPLETED: "Done",
    HopStatus.FAILED: "Failed",
    HopStatus.CANCELED: "Canceled",
}
WAITING_LABELS = {
    "agent": "Waiting for the agent",
    "rate_limit": "Waiting for a rate limit",
    "branches": "Waiting for its branches",
    "answer": "Waiting for an answer",
    "approval": "Waiting for approval",
    "retry": "Waiting to call the agent again",
}
ACTION_LABELS = {
    Action.HANDLE: "Handled it",
    Action.DELEGATE: "Delegated to",
    Action.PARALLEL: "Split between",
    Action.ASK_CLARIFICATION: "Asked a question",
}
QUESTION_LABELS = {
    QuestionStatus.OPEN: "Open",
    QuestionStatus.APPROVED: "Approved",
    QuestionStatus.REJECTED: "Rejected",
    QuestionStatus.ANSWERED: "Answered",
    QuestionStatus.EXPIRED: "Expired",
    QuestionStatus.CANCELED: "No longer needed",
}
LABELS = {
    "task": TASK_LABELS,
    "hop": HOP_LABELS,
    "waiting": WAITING_LABELS,
    "action": ACTION_LABELS,
    "question": QUESTION_LABELS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalState:
    id: UUID
    status: str
    agent_from: str
    agent_to: str
    reason: str
    confidence: float | None
    instruction: str
    required: int
    granted: int
    rule: str
    decider: str
    expires_at: datetime
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClarificationState:
    id: UUID
    status: str
    question: str
    options: list[str]
    expires_at: datetime
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HopState:
    """One hop as the page shows it. ``time_seconds`` is None while it runs."""

    id: UUID
    parent_id: UUID | None
    resumes_id: UUID | None
    attempt: int
    depth: int
    agent_type: str
    agent_name: str
    status: str
    status_label: str
    waiting_for: str
    action: str
    action_label: str
    delegated_to: list[str]
    confidence: float | None
    reason: str
    instruction: str
    result: str
    error: str
    time_seconds: float | None
    cost_usd: float
    findings: int
    started_at: datetime | None
    approval: ApprovalState | None
    clarification: ClarificationState | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A hop with all that was delegated from it."""

    hop: HopState
    children: "tuple[Branch, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPage:
    """A stretch of the list, newest first, with the cursors of its neighbours (None: there is none)."""

    tasks: Sequence[Task]
    newer: UUID | None
    older: UUID | None


def as_text(value: object) -> str:
    """Return a result, text or JSON, as text to read."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, indent=2, ensure_ascii=False)


def clipped(text: str) -> str:
    """Return the beginning of the text, with an ellipsis where more follows."""
    return text if len(text) <= CLIP_LENGTH else text[:CLIP_LENGTH].rstrip() + " …"


def list_page(tasks: QuerySet[Task], *, before: UUID | None = None, after: UUID | None = None) -> TaskPage:
    """Return one page: the newest, those older than ``before``, or those just newer than ``after``."""
    rows = tasks.defer("message", "result", "metadata", "error_message").annotate(headline=Left("message", 200))
    if after:
        found = list(rows.filter(id__gt=after).order_by("id")[: PAGE_LENGTH + 1])
        more, shown = len(found) > PAGE_LENGTH, found[:PAGE_LENGTH][::-1]
        return _page(shown, has_newer=more, has_older=bool(shown))
    found = list((rows.filter(id__lt=before) if before else rows).order_by("-id")[: PAGE_LENGTH + 1])
    return _page(found[:PAGE_LENGTH], has_newer=before is not None, has_older=len(found) > PAGE_LENGTH)


def _page(shown: Sequence[Task], *, has_newer: bool, has_older: bool) -> TaskPage:
    return TaskPage(
        tasks=shown,
        newer=shown[0].id if shown and has_newer else None,
        older=shown[-1].id if shown and has_older else None,
    )


def approval_state(approval: Approval) -> ApprovalState:
    """Return an approval as the page shows it; its votes must be prefetched with their users."""
    words = [
        f"{vote.user.get_username()} {'approved' if vote.approved else 'rejected'}"
        + (f": {vote.comment}" if vote.comment else "")
        for vote in approval.votes.all()
    ]
    return ApprovalState(
        id=approval.id,
        status=approval.status,
        agent_from=approval.agent_from,
        agent_to=approval.agent_to,
        reason=clipped(approval.reason),
        confidence=approval.confidence,
        instruction=clipped(approval.instruction),
        required=approval.required,
        granted=approval.granted,
        rule=approval.rule,
        decider=approval.decider,
        expires_at=approval.expires_at,
        outcome="\n".join(words),
    )


def clarification_state(clarification: Clarification) -> ClarificationState:
    """Return a question as the page shows it."""
    return ClarificationState(
        id=clarification.id,
        status=clarification.status,
        question=clarification.question,
        options=[str(option) for option in clarification.options],
        expires_at=clarification.expires_at,
        outcome=clarification.answer,
    )


def waiting_for(hop: Hop, approval: ApprovalState | None, clarification: ClarificationState | None) -> str:
    """Return what a waiting hop waits for, a key of WAITING_LABELS; empty when it does not wait."""
    if hop.status != HopStatus.WAITING:
        return ""
    if approval and approval.status == QuestionStatus.OPEN:
        return "approval"
    if clarification and clarification.status == QuestionStatus.OPEN:
        return "answer"
    if hop.pending_branches:
        return "branches"
    if hop.tries:
        return "retry"
    return "agent" if hop.polls else "rate_limit"


def hop_state(hop: Hop, agent_names: Mapping[str, str]) -> HopState:
    """Return a hop as the page shows it, long texts clipped."""
    approval = approval_state(hop.approval) if hasattr(hop, "approval") else None
    clarification = clarification_state(hop.clarification) if hasattr(hop, "clarification") else None
    waits = waiting_for(hop, approval, clarification)
    taken = (hop.completed_at - hop.started_at).total_seconds() if hop.completed_at and hop.started_at else None
    return HopState(
        id=hop.id,
        parent_id=hop.parent_id,
        resumes_id=hop.resumes_id,
        attempt=hop.attempt,
        depth=hop.depth,
        agent_type=hop.agent_type,
        agent_name=agent_names.get(hop.agent_type, hop.agent_type),
        status=hop.status,
        status_label=WAITING_LABELS[waits] if waits else HOP_LABELS[HopStatus(hop.status)],
        waiting_for=waits,
        action=hop.action or "",
        action_label=ACTION_LABELS[Action(hop.action)] if hop.action else "",
        delegated_to=[word.strip() for word in hop.delegated_to.split(",") if word.strip()],
        confidence=hop.confidence,
        reason=clipped(hop.reason),
        instruction=clipped(hop.instruction),
        result=clipped(as_text(hop.result)),
        error=f"{hop.error_code}: {hop.error_message}" if hop.error_code else "",
        time_seconds=taken,
        cost_usd=float(hop.cost_usd),
        findings=hop.findings,
        started_at=hop.started_at,
        approval=approval,
        clarification=clarification,
    )


def tree(hops: Iterable[HopState]) -> tuple[Branch, ...]:
    """Return the hops as a tree. One that goes on from an earlier invocation stands right behind it."""
    beneath: dict[UUID | None, list[HopState]] = defaultdict(list)
    known: set[UUID] = set()
    for hop in hops:
        siblings = beneath[hop.parent_id if hop.parent_id in known else None]
        earlier = [place for place, sibling in enumerate(siblings) if sibling.id == hop.resumes_id]
        siblings.insert(earlier[0] + 1 if earlier else len(siblings), hop)
        known.add(hop.id)
    return _branches(beneath, None)


def _branches(beneath: Mapping[UUID | None, list[HopState]], parent_id: UUID | None) -> tuple[Branch, ...]:
    return tuple(Branch(hop=hop, children=_branches(beneath, hop.id)) for hop in beneath.get(parent_id, ()))


def browser_state(task: Task, hops: Iterable[HopState], *, agent_names: Mapping[str, str], role: str) -> dict[str, Any]:
    """Return what the page's script starts from: the task, its hops, and the words for every state."""
    return {
        "task": {
            "id": task.id,
            "status": task.status,
            "last_seq": task.last_seq,
            "hop_count": task.hop_count,
            "cost_usd": float(task.cost_usd),
            "created_at": task.created_at,
            "started_at": task.started_at,
            "completed_at": task.completed_at,
        },
        "hops": [asdict(hop) for hop in hops],
        "agents": dict(agent_names),
        "role": role,
        "ended": {"task": sorted(TASK_ENDED), "hop": sorted(HOP_ENDED)},
        "labels": LABELS,
    }
