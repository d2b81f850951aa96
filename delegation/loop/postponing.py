"""Pure: the settlement of a hop whose agent cannot be asked just now, and will be tried again."""

from datetime import timedelta

from delegation.loop.account import Account
from delegation.loop.circuits import AgentResting
from delegation.states import HopStatus
from delegation.store.records import HopChanges, Settlement
from security.errors import PlatformError


def postponed(account: Account, error: PlatformError, *, pause_seconds: float) -> Settlement:
    """Settle that the hop waits for another try; what was found and spent until here is kept."""
    hop, usage = account.hop, account.usage
    # For an agent that rests nothing has been tried.
    tried = not isinstance(error, AgentResting)
    due_at = account.at + timedelta(seconds=pause_seconds)
    changes: HopChanges = {
        "status": HopStatus.WAITING,
        "remote_task_id": hop.remote_task_id,
        "polls": hop.polls,
        "tries": hop.tries + tried,
        "due_at": due_at,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost_usd": usage.cost_usd,
    }
    told = {
        "delegation_id": str(hop.id),
        "waiting_for": "retry",
        "error": {"code": error.code, "message": error.user_message},
        "tries": changes["tries"],
        "retry_at": due_at.isoformat(),
    }
    return Settlement(
        hop=hop,
        at=account.at,
        changes=changes,
        events=[("hop.waiting", told)],
        # The ruling that allowed the call is recorded with the first try.
        ve_id=account.ve_id,
        rulings=account.rulings if tried else (),
        leakages=account.leakages,
    )
