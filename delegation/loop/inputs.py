"""What a resumed hop is given: the outcomes of its split's branches and the answers to its questions, oldest first."""

from uuid import UUID

from django.db.models import Q

from delegation.models import Clarification, Hop
from delegation.states import Action, HopStatus
from delegation.store.records import Row


def read_inputs(resumes_id: UUID) -> list[Row]:
    """Return everything that the earlier attempts of the hop have gathered."""
    return [given for hop in _lineage(resumes_id) for given in _gathered(hop)]


def _lineage(hop_id: UUID | None) -> list[Hop]:
    """Return the hop and those it resumes, oldest first."""
    found: list[Hop] = []
    while hop_id is not None:
        hop = Hop.objects.only("id", "action", "resumes_id").get(id=hop_id)
        found.append(hop)
        hop_id = hop.resumes_id
    return found[::-1]


def _gathered(hop: Hop) -> list[Row]:
    if hop.action == Action.PARALLEL:
        return _outcomes(hop.id)
    return [
        {"kind": "answer", "question": question.question, "answer": question.answer}
        for question in Clarification.objects.filter(hop_id=hop.id)
    ]


def _outcomes(split_id: UUID) -> list[Row]:
    """Return how each branch ended, in the order of the subtasks. A branch may have gone on from agent to agent."""
    hops = Hop.objects.filter(join_id=split_id)
    asked = {hop.branch: hop for hop in hops.filter(parent_id=split_id, attempt=1)}
    # One that was cancelled because the split went on without it has no error, and is no outcome.
    stopped = Q(status__in=[HopStatus.FAILED, HopStatus.CANCELED]) & ~Q(error_code="")
    ended = hops.filter(Q(status=HopStatus.COMPLETED, action=Action.HANDLE) | stopped)
    return [_outcome(asked[hop.branch], hop) for hop in ended.order_by("branch")]


def _outcome(asked: Hop, ended: Hop) -> Row:
    error = {"code": ended.error_code, "message": ended.error_message} if ended.error_code else None
    return {
        "kind": "result",
        "agent_type": asked.agent_type,
        "instruction": asked.instruction,
        "status": ended.status,
        "result": ended.result,
        "error": error,
    }
