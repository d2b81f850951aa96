"""Pure: what a hop's call came to, turned into the settlement that records it."""

from collections.abc import Container, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from delegation.errors import DeadlineExceeded
from delegation.loop.roster import AgentRecord
from delegation.policy.approval import Terms
from delegation.policy.decision import NO_USAGE, Decision, Usage
from delegation.policy.verdict import Verdict
from delegation.states import Action, HopStatus, TaskStatus
from delegation.store.records import (
    BranchEnd,
    ClaimedHop,
    HopChanges,
    LoggedDecision,
    LoggedRuling,
    Row,
    Settlement,
)
from delegation.store.rows import (
    approval_row,
    call_digest,
    claimed_hop,
    clarification_row,
    hop_row,
    new_id,
)
from security.errors import PlatformError

SUMMARY_LENGTH = 500
INSTRUCTION_LENGTH = 200
_REJECTING = "APPROVAL_REJECTED"


class Account(NamedTuple):
    """What is known of a hop when its call is over, whichever way it went."""

    hop: ClaimedHop
    at: datetime
    agent: AgentRecord | None = None
    seconds: float | None = None
    """How long the agent took; None where it was never called."""
    rulings: Sequence[LoggedRuling] = ()
    leakages: Sequence[Row] = ()
    findings: int = 0
    usage: Usage = NO_USAGE

    @property
    def ve_id(self) -> str:
        return self.agent.ve_id if self.agent else ""


def failed(account: Account, error: PlatformError, decision: Decision | None = None) -> Settlement:
    """Settle a hop that ends in an error: its branch gets the error as its outcome, or the task fails with it."""
    shown = {"code": error.code, "message": error.user_message}
    # An agent that still works when the time is over is told that nobody waits for it.
    works_on = account.hop.remote_task_id if isinstance(error, DeadlineExceeded) else ""
    changes = _ended(account, HopStatus.FAILED, decision)
    changes |= {"error_code": error.code, "error_message": error.user_message}
    if works_on:
        changes |= {"remote_task_id": works_on, "due_at": account.at}
    event = {"delegation_id": str(account.hop.id), "error": shown, "execution_time_seconds": account.seconds}
    status = TaskStatus.REJECTED if error.code == _REJECTING else TaskStatus.FAILED
    decided = _logged(account, status="failed")
    return _ending(account, changes, status, {"error": shown}, decided=decided, event=("hop.failed", event))


def handled(account: Account, decision: Decision) -> Settlement:
    """Settle work that is done: the result goes to the split that waits for it, or is the task's."""
    changes = _ended(account, HopStatus.COMPLETED, decision)
    changes["result"] = decision.result
    summarised = summary(decision.result)
    return _ending(
        account,
        changes,
        TaskStatus.COMPLETED,
        {"result": decision.result},
        decided=_logged(account, status="completed", summary=summarised),
        event=_decided(account, decision, summary=summarised),
    )


def asked(account: Account, decision: Decision, *, expires_at: datetime, remote_task_id: str = "") -> Settlement:
    """Settle a question: the hop waits for a person. ``remote_task_id`` is the agent's own task to go on with."""
    hop = account.hop
    question = clarification_row(
        hop_id=hop.id,
        task_id=hop.task.id,
        customer_id=hop.task.customer_id,
        agent_type=hop.agent_type,
        question=decision.question,
        options=decision.options,
        at=account.at,
        expires_at=expires_at,
    )
    told = {
        "clarification_id": str(question["id"]),
        "delegation_id": str(hop.id),
        "agent_type": hop.agent_type,
        "question": decision.question,
        "options": list(decision.options),
        "expires_at": expires_at.isoformat(),
    }
    events = [
        _decided(account, decision),
        _waiting(hop.id, "answer"),
        ("clarification.requested", told),
        ("task.input_required", {}),
    ]
    changes = _ended(account, HopStatus.WAITING, decision)
    changes["remote_task_id"] = remote_task_id
    decided = _logged(account, status="pending")
    return _settlement(account, changes, decided=decided, events=events, clarifications=[question])


def parked(account: Account, *, remote_task_id: str, due_at: datetime) -> Settlement:
    """Settle that the agent works on and will be asked again; nothing is decided yet."""
    hop = account.hop
    changes: HopChanges = {
        "status": HopStatus.WAITING,
        "remote_task_id": remote_task_id,
        "polls": hop.polls + 1,
        "due_at": due_at,
    }
    events = [] if hop.polls else [_waiting(hop.id, "agent")]
    return Settlement(
        hop=hop,
        at=account.at,
        changes=changes,
        events=events,
        ve_id=account.ve_id,
        rulings=account.rulings,
        leakages=account.leakages,
    )


def held(hop: ClaimedHop, *, at: datetime, until: datetime) -> Settlement:
    """Settle that the hop waits for its turn under a rate limit; nothing of it has happened yet."""
    changes = _as_it_stood(hop, HopStatus.WAITING)
    changes["due_at"] = until
    waiting = {"delegation_id": str(hop.id), "waiting_for": "rate_limit", "until": until.isoformat()}
    return Settlement(hop=hop, at=at, changes=changes, events=[("hop.waiting", waiting)])


def handed_back(hop: ClaimedHop, *, at: datetime) -> Settlement:
    """Settle that another worker is to run the hop, from where it stands."""
    changes = _as_it_stood(hop, HopStatus.PENDING)
    return Settlement(hop=hop, at=at, changes=changes)


def _as_it_stood(hop: ClaimedHop, status: HopStatus) -> HopChanges:
    """Return the columns of a hop that nothing new is known of."""
    return {"status": status, "remote_task_id": hop.remote_task_id, "polls": hop.polls, "tries": hop.tries}


def referred(
    account: Account,
    decision: Decision,
    verdict: Verdict,
    targets: Sequence[AgentRecord],
    *,
    here: Container[int],
    terms: Terms,
) -> tuple[Settlement, list[ClaimedHop]]:
    """Settle a delegation or a split. Returns the children that this worker runs on with, by their places in ``here``.

    The others are saved for any worker to claim, or wait for a person's approval.
    """
    hop = account.hop
    split = decision.action == Action.PARALLEL
    children: list[Row] = []
    approvals: list[Row] = []
    events = [_decided(account, decision)]
    if split:
        events.append(_waiting(hop.id, "branches"))
    own: list[ClaimedHop] = []
    task = hop.task._replace(
        hop_count=hop.task.hop_count + len(verdict.referrals),
        cost_usd=hop.task.cost_usd + account.usage.cost_usd,
    )
    for place, (referral, target) in enumerate(zip(verdict.referrals, targets, strict=True)):
        runs_here = place in here
        waits = HopStatus.WAITING if referral.needs_approval else HopStatus.PENDING
        child = _child(
            hop,
            target,
            instruction=referral.subtask.instruction or hop.task.message,
            status=HopStatus.RUNNING if runs_here else waits,
            at=account.at,
            branch=place if split else hop.branch,
            join_id=hop.id if split else hop.join_id,
        )
        children.append(child)
        if referral.needs_approval:
            approval = approval_row(
                hop=child,
                agent_from=hop.agent_type,
                reason=decision.reason,
                confidence=decision.confidence,
                rule=referral.rule,
                terms=terms,
                call_digest=call_digest(child),
                at=account.at,
            )
            approvals.append(approval)
            events += _approval_events(approval, child)
        elif runs_here:
            own.append(claimed_hop(child, task))
            events.append(("hop.started", started(child, name=target.name)))
    changes = _ended(account, HopStatus.WAITING if split else HopStatus.COMPLETED, decision)
    if split:
        changes |= {"pending_branches": len(children), "wanted_branches": decision.quorum}
    status = "pending" if approvals and not split else "completed"
    settlement = _settlement(
        account,
        changes,
        decided=_logged(account, status=status),
        events=events,
        new_hops=children,
        approvals=approvals,
        depth_reached=hop.depth + 1,
    )
    return settlement, own


def summary(result: object) -> str:
    """Return the beginning of a result as text, for logs and lists."""
    text = result if isinstance(result, str) else orjson.dumps(result).decode()
    return text if len(text) <= SUMMARY_LENGTH else text[: SUMMARY_LENGTH - 1] + "…"


def started(child: Row, *, name: str) -> Row:
    """Return what the event hop.started tells of a new hop."""
    return {
        "delegation_id": str(child["id"]),
        "parent_id": child["parent_id"] and str(child["parent_id"]),
        "depth": child["depth"],
        "agent_type": child["agent_type"],
        "agent_name": name,
        "attempt": child["attempt"],
        "resumes_id": None,
        "instruction": str(child["instruction"])[:INSTRUCTION_LENGTH],
    }


def _child(
    hop: ClaimedHop,
    target: AgentRecord,
    *,
    instruction: str,
    status: HopStatus,
    at: datetime,
    branch: int | None,
    join_id: UUID | None,
) -> Row:
    return hop_row(
        id=new_id(),
        task_id=hop.task.id,
        customer_id=hop.task.customer_id,
        agent_type=target.agent_type,
        agent_ve_id=target.ve_id,
        depth=hop.depth + 1,
        path=(*hop.path, target.agent_type),
        instruction=instruction,
        priority=hop.priority,
        status=status,
        at=at,
        owner=hop.owner if status == HopStatus.RUNNING else None,
        parent_id=hop.id,
        join_id=join_id,
        branch=branch,
    )


def _approval_events(approval: Row, child: Row) -> list[tuple[str, Row]]:
    told = {
        "approval_id": str(approval["id"]),
        "delegation_id": str(child["id"]),
        "parent_id": str(child["parent_id"]),
        "depth": child["depth"],
        "agent_from": approval["agent_from"],
        "agent_to": approval["agent_to"],
        "reason": approval["reason"],
        "confidence": approval["confidence"],
        "rule": approval["rule"],
        "required": approval["required"],
        "instruction": str(approval["instruction"])[:INSTRUCTION_LENGTH],
        "expires_at": approval["expires_at"].isoformat(),
    }
    return [
        ("approval.requested", told),
        _waiting(child["id"], "approval"),
        ("task.input_required", {}),
    ]


def _settlement(
    account: Account, changes: HopChanges, *, decided: LoggedDecision, events: list[tuple[str, Row]], **more: Any
) -> Settlement:
    return Settlement(
        hop=account.hop,
        at=account.at,
        changes=changes,
        events=events,
        ve_id=account.ve_id,
        decision=decided,
        rulings=account.rulings,
        leakages=account.leakages,
        **{"depth_reached": account.hop.depth, **more},
    )


def _ending(
    account: Account,
    changes: HopChanges,
    ends_task: TaskStatus,
    told: Row,
    *,
    decided: LoggedDecision,
    event: tuple[str, Row],
) -> Settlement:
    """Settle a hop that nothing follows: its branch of a split is over, or with it the whole task."""
    task, split_id = account.hop.task, account.hop.join_id
    if split_id is not None:
        succeeded = changes["status"] == HopStatus.COMPLETED
        owner = account.hop.owner
        branch = BranchEnd(split_id=split_id, resume_id=new_id(), succeeded=succeeded, owner=owner)
        return _settlement(account, changes, decided=decided, events=[event], ends_branch=branch)
    totals = {"hop_count": task.hop_count, "cost_usd": round(task.cost_usd + account.usage.cost_usd, 6)}
    events = [event, (f"task.{ends_task}", {**told, **totals})]
    return _settlement(account, changes, decided=decided, events=events, ends_task=ends_task)


def _ended(account: Account, status: HopStatus, decision: Decision | None) -> HopChanges:
    """Return the columns that every hop whose call is over shares."""
    usage = account.usage
    changes: HopChanges = {
        "status": status,
        "findings": account.findings,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost_usd": usage.cost_usd,
    }
    if status != HopStatus.WAITING:
        changes["completed_at"] = account.at
    if decision is not None:
        changes["action"] = decision.action
        changes["delegated_to"] = ", ".join(subtask.delegated_to for subtask in decision.subtasks)
        changes["confidence"] = decision.confidence
        changes["reason"] = decision.reason
    return changes


def _logged(account: Account, *, status: str, summary: str = "") -> LoggedDecision:
    return {"id": new_id(), "status": status, "seconds": account.seconds, "summary": summary}


def _decided(account: Account, decision: Decision, *, summary: str = "") -> tuple[str, Row]:
    return "hop.decided", {
        "delegation_id": str(account.hop.id),
        "action": decision.action,
        "delegated_to": [subtask.delegated_to for subtask in decision.subtasks],
        "confidence": decision.confidence,
        "reason": decision.reason,
        "execution_time_seconds": account.seconds,
        "result_summary": summary,
        "findings": account.findings,
        "cost_usd": account.usage.cost_usd,
    }


def _waiting(hop_id: object, waiting_for: str) -> tuple[str, Row]:
    return "hop.waiting", {"delegation_id": str(hop_id), "waiting_for": waiting_for}


def knowing(child: ClaimedHop, *, hop_count: int) -> ClaimedHop:
    """Return the child with what the branches beside it have used meanwhile: the budget is the task's."""
    if child.task.hop_count == hop_count:
        return child
    return child._replace(task=child.task._replace(hop_count=hop_count))


def expiry(at: datetime, *, seconds: float, deadline_at: datetime) -> datetime:
    """Return when a question asked now expires: never after the task's deadline."""
    return min(at + timedelta(seconds=seconds), deadline_at)
