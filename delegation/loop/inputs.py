"""What a resumed hop is given: the outcomes of its split's branches and the answers to its questions, oldest first."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from delegation.models import Clarification
from delegation.states import Action, HopStatus
from delegation.store.records import Row

Rows = Callable[[UUID], Awaitable[list[Row]]]
_STOPPED = (HopStatus.FAILED, HopStatus.CANCELED)


async def read_inputs(resumes_id: UUID, *, attempt: Rows, answers: Rows) -> list[Row]:
    """Return everything that the earlier attempts of the hop have gathered.

    ``attempt`` gives a hop with its branches (``records.Store.attempt``), ``answers`` what ``answers_to`` does.
    """
    gathered: list[list[Row]] = []
    before: UUID | None = resumes_id
    while before is not None:
        found = await attempt(before)
        (itself,) = (hop for hop in found if hop["id"] == before)
        branches = sorted((hop for hop in found if hop is not itself), key=lambda hop: hop["branch"])
        gathered.append(_outcomes(itself, branches) if itself["action"] == Action.PARALLEL else await answers(before))
        before = itself["resumes_id"]
    return [given for one in reversed(gathered) for given in one]


def answers_to(hop_id: UUID) -> list[Row]:
    """Return what the hop has asked, and what it was answered."""
    asked = Clarification.objects.filter(hop_id=hop_id).values("question", "answer")
    return [{"kind": "answer", **question} for question in asked]


def _outcomes(split: Row, branches: list[Row]) -> list[Row]:
    """Return how each branch ended, in the order of the subtasks. It may have gone on from agent to agent."""
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
