"""What a resumed hop is given: the outcomes of its split's branches and the answers to its questions, oldest first."""

from uuid import UUID

from delegation.models import Clarification, Hop
from delegation.states import Action, HopStatus
from delegation.store.records import Row

_COLUMNS = "branch parent_id attempt agent_type instruction status action result error_code error_message".split()
_STOPPED = (HopStatus.FAILED, HopStatus.CANCELED)


def read_inputs(resumes_id: UUID) -> list[Row]:
    """Return everything that the earlier attempts of the hop have gathered."""
    return [given for hop_id, action in _lineage(resumes_id) for given in _gathered(hop_id, action)]


def _lineage(hop_id: UUID | None) -> list[tuple[UUID, str | None]]:
    """Return the hop and those it resumes, oldest first, each with its action."""
    found: list[tuple[UUID, str | None]] = []
    while hop_id is not None:
        action, before = Hop.objects.values_list("action", "resumes_id").get(id=hop_id)
        found.append((hop_id, action))
        hop_id = before
    return found[::-1]


def _gathered(hop_id: UUID, action: str | None) -> list[Row]:
    if action == Action.PARALLEL:
        return _outcomes(hop_id)
    asked = Clarification.objects.filter(hop_id=hop_id).values("question", "answer")
    return [{"kind": "answer", **question} for question in asked]


def _outcomes(split_id: UUID) -> list[Row]:
    """Return how each branch ended, in the order of the subtasks. A branch may have gone on from agent to agent."""
    # Rows without models around them, which would cost more than the query.
    found = list(Hop.objects.filter(join_id=split_id).order_by("branch").values(*_COLUMNS))
    asked = {hop["branch"]: hop for hop in found if hop["parent_id"] == split_id and hop["attempt"] == 1}
    return [_outcome(asked[hop["branch"]], hop) for hop in found if _is_outcome(hop)]


def _is_outcome(hop: Row) -> bool:
    # One that was cancelled because the split went on without it has no error, and is no outcome.
    stopped = hop["status"] in _STOPPED and hop["error_code"]
    return bool(stopped) or (hop["status"] == HopStatus.COMPLETED and hop["action"] == Action.HANDLE)


def _outcome(asked: Row, ended: Row) -> Row:
    error = {"code": ended["error_code"], "message": ended["error_message"]} if ended["error_code"] else None
    return {
        "kind": "result",
        "agent_type": asked["agent_type"],
        "instruction": asked["instruction"],
        "status": ended["status"],
        "result": ended["result"],
        "error": error,
    }
