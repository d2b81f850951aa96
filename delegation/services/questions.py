"""What people decide on the way: approvals given or refused, questions answered."""

from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from delegation.errors import ApprovalRejected, Conflict
from delegation.models import Approval, ApprovalVote, Clarification, Hop, Task
from delegation.services.moving import Moving, moving
from delegation.services.reach import may_approve
from delegation.services.storable import check_storable
from delegation.states import HopStatus, QuestionStatus, TaskStatus
from delegation.store.rows import call_digest, continuation, new_id
from security.authorisation import Ruling
from security.errors import AuthFailed, NotFound, ValidationFailed
from security.principal import Principal
from security.roles import Permission
from security.testimony import on_record, record_admission

ANSWER_LENGTH = 100_000


@on_record()
def approvals_visible(principal: Principal) -> QuerySet[Approval]:
    principal.require(Permission.TASK_VIEW)
    record_admission(principal, what="lists approvals", at=timezone.now())
    return Approval.objects.of_customer(principal.customer_id)


@on_record()
def clarifications_visible(principal: Principal) -> QuerySet[Clarification]:
    principal.require(Permission.TASK_VIEW)
    record_admission(principal, what="lists questions", at=timezone.now())
    return Clarification.objects.of_customer(principal.customer_id)


@on_record()
def approval_vote(
    *, principal: Principal, approval_id: UUID, approved: bool, now: datetime, comment: str = ""
) -> Approval:
    """Count the person's word. Enough yeses start the call that was approved; one no ends it.

    Raises:
        NotFound
        AuthFailed: the role does not decide (any more, after an escalation), or it is the person's own task.
        Conflict: it is decided or expired already, or the person has spoken before, or the call has changed.
    """
    check_storable("comment", comment)
    found = Approval.objects.of_customer(principal.customer_id).filter(id=approval_id).first()
    allowed = may_approve(principal, agent_type=found.agent_to if found else "")
    # Before it is told whether there is such an approval: the answer is the same for what does not exist.
    _check_allowed(allowed)
    if found is None:
        raise NotFound(internal=f"approval {approval_id} for {principal.customer_id}")
    with moving(found.task_id, now=now) as move:
        # Read again under the task's lock: another's word may have come first.
        approval: Approval = Approval.objects.select_related("hop").get(id=found.id)
        _check_open(approval.status)
        _check_decider(approval, principal)
        if approved:
            _check_not_own(move.task, principal)
            _check_call(approval)
        move.testify(principal, f"{'approves' if approved else 'rejects'}: {allowed.reason}")
        _record_vote(approval, principal, approved=approved, comment=comment, now=now)
        if approved:
            _grant(move, approval, principal, comment=comment)
        else:
            _reject(move, approval, principal, comment=comment)
        approval.save()
    return approval


@on_record()
def clarification_answer(*, principal: Principal, clarification_id: UUID, answer: str, now: datetime) -> Clarification:
    """Answer an agent's question; the agent is called again with the answer.

    Raises:
        AuthFailed, NotFound
        ValidationFailed: the answer is empty or far too long.
        Conflict: it is answered or expired already.
    """
    principal.require(Permission.ANSWER)
    found = Clarification.objects.of_customer(principal.customer_id).filter(id=clarification_id).first()
    if found is None:
        raise NotFound(internal=f"clarification {clarification_id} for {principal.customer_id}")
    _check_answer(answer)
    with moving(found.task_id, now=now) as move:
        question: Clarification = Clarification.objects.select_related("hop").get(id=found.id)
        _check_open(question.status)
        question.status, question.answer = QuestionStatus.ANSWERED, answer
        question.answered_by_id, question.resolved_at = principal.user_id, now
        question.save()
        move.tell(
            "clarification.answered",
            clarification_id=str(question.id),
            delegation_id=str(question.hop_id),
            answer=answer,
            by=principal.username,
        )
        move.testify(principal, f"answers as {principal.role}")
        move.answered()
        _resume(move, question.hop)
    return question


def _grant(move: Moving, approval: Approval, principal: Principal, *, comment: str) -> None:
    approval.granted += 1
    if approval.granted < approval.required:
        counted = {"granted": approval.granted, "required": approval.required}
        move.tell("approval.counted", **_told(approval, principal, comment), **counted)
        return
    approval.status, approval.resolved_at = QuestionStatus.APPROVED, move.now
    # The very hop that was shown resumes: nothing is planned again.
    Hop.objects.filter(id=approval.hop_id, status=HopStatus.WAITING).update(status=HopStatus.PENDING)
    move.tell("approval.granted", **_told(approval, principal, comment))
    move.answered()
    move.wake(approval.hop_id)


def _reject(move: Moving, approval: Approval, principal: Principal, *, comment: str) -> None:
    approval.status, approval.resolved_at = QuestionStatus.REJECTED, move.now
    move.tell("approval.rejected", **_told(approval, principal, comment))
    move.fail_hop(approval.hop, ApprovalRejected(), ending=TaskStatus.REJECTED)
    move.answered()


def _resume(move: Moving, hop: Hop) -> None:
    """Call the agent that asked once more: its hop is done, and another goes on from it."""
    Hop.objects.filter(id=hop.id).update(status=HopStatus.COMPLETED, completed_at=move.now)
    following = continuation(hop, id=new_id(), at=move.now)
    following.save(force_insert=True)
    move.task.hop_count += 1
    move.wake(following.id)


def _check_allowed(ruling: Ruling) -> None:
    if not ruling.authorized:
        raise AuthFailed(internal=ruling.reason, detail="Your role does not allow this.")


def _check_not_own(task: Task, principal: Principal) -> None:
    if principal.user_id == task.created_by_id:
        raise AuthFailed(internal="own task", detail="You cannot approve a delegation of your own task.")


def _check_decider(approval: Approval, principal: Principal) -> None:
    if approval.decider and principal.role != approval.decider:
        raise AuthFailed(internal="escalated", detail=f"This approval now needs the role {approval.decider}.")


def _check_call(approval: Approval) -> None:
    """Hold the waiting hop against what was shown: what is approved is exactly that call."""
    hop = approval.hop
    call = {"id": hop.id, "agent_type": hop.agent_type, "agent_ve_id": hop.agent_ve_id}
    if call_digest(call | {"instruction": hop.instruction, "path": hop.path}) != approval.call_digest:
        raise Conflict(internal=f"hop {hop.id} is not what approval {approval.id} was asked for")


def _record_vote(approval: Approval, principal: Principal, *, approved: bool, comment: str, now: datetime) -> None:
    mine = {"approved": approved, "comment": comment[:ANSWER_LENGTH], "created_at": now}
    _, first = ApprovalVote.objects.get_or_create(approval=approval, user_id=principal.user_id, defaults=mine)
    if not first:
        raise Conflict(detail="You have decided on this approval already.")


def _told(approval: Approval, principal: Principal, comment: str) -> dict[str, object]:
    return {
        "approval_id": str(approval.id),
        "delegation_id": str(approval.hop_id),
        "by": principal.username,
        "comment": comment,
    }


def _check_open(status: str) -> None:
    if status != QuestionStatus.OPEN:
        raise Conflict(detail=f"It is {status} already.")


def _check_answer(answer: str) -> None:
    if not answer.strip():
        raise ValidationFailed(detail="answer: must not be empty.")
    if len(answer) > ANSWER_LENGTH:
        raise ValidationFailed(detail=f"answer: must be at most {ANSWER_LENGTH} characters.")
    check_storable("answer", answer)
