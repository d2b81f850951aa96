"""What a resumed hop is given: the outcomes of its split's branches and the answers to its questions, oldest first."""

from uuid import UUID

from django.db.models import Q

from delegation.models import Clarification, Hop
from delegation.states import Action, HopStatus
from delegation.store.records import Row

_COLUMNS = (
    "id resumes_id branch parent_id attempt agent_type instruction status action result error_code error_message"
).split()
_STOPPED = (HopStatus.FAILED, HopStatus.CANCELED)


def read_inputs(resumes_id: UUID) -> list[Row]:
    """Return everything that the earlier attempts of the hop have gathered."""
    gathered: list[list[Row]] = []
    before: UUID | None = resumes_id
    while before is not None:
        attempt, branches = _attempt(before)
        gathered.append(_outcomes(attempt, branches) if attempt["action"] == Action.PARALLEL else _answers(before))
        before = attempt["resumes_id"]
    return [given for one in reversed(gathered) for given in one]


def _attempt(hop_id: UUID) -> tuple[Row, list[Row]]:
    """Return the hop, and the branches that it split into, in the order of the subtasks."""
    # In one query, and without models around the rows, which would cost more than it.
    found = list(Hop.objects.filter(Q(id=hop_id) | Q(join_id=hop_id)).values(*_COLUMNS))
    (attempt,) = (hop for hop in found if hop["id"] == hop_id)
    return attempt, sorted((hop for hop in found if hop is not attempt), key=lambda hop: hop["branch"])


def _answers(hop_id: UUID) -> list[Row]:
    asked = Clarification.objects.filter(hop_id=hop_id).values("question", "answer")
    return [{"kind": "answer", **question} for question in asked]


def _outcomes(split: Row, branches: list[Row]) -> list[Row]:
    """Return how each branch ended. It may have gone on from agent to agent."""
    asked = {hop["branch"]: hop for hop in branches if hop["parent_id"] == split["id"] and hop["attempt"] == 1}
    return [_outcome(asked[hop["branch"]], hop) for hop in branches if _is_outcome(hop)]


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
