"""Where the agent of a hop pushes how its work stands: our public address, with a token for this hop alone."""

from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache, partial
from ipaddress import ip_address
from urllib.parse import urlsplit

from delegation.gateway import PushTarget
from delegation.loop.roster import AgentRecord
from delegation.store.records import ClaimedHop
from security.identity import Callback, CallbackTokens

CALLBACK_PATH = "/callbacks/a2a/"
# A notification may be under way when the task's deadline comes.
_GRACE = timedelta(seconds=60)


class PushAddresses:
    """The targets of an installation that agents can reach at ``public_url``."""

    def __init__(self, *, public_url: str, tokens: CallbackTokens) -> None:
        self._base = public_url.rstrip("/") + CALLBACK_PATH
        self._tokens = tokens
        self._for_neighbours = _is_loopback(public_url)

    def target_of(self, hop: ClaimedHop, agent: AgentRecord) -> Callable[[], PushTarget] | None:
        """Return what makes the target; None where the agent cannot reach us: we are at loopback and it is not."""
        if self._for_neighbours and not _is_loopback(agent.endpoint_url):
            return None
        return partial(self._made, hop)

    def _made(self, hop: ClaimedHop) -> PushTarget:
        callback = Callback(delegation_id=str(hop.id), customer_id=hop.task.customer_id, agent_type=hop.agent_type)
        token = self._tokens.mint(callback, expires_at=hop.task.deadline_at + _GRACE)
        return PushTarget(url=f"{self._base}{hop.id}", token=token)


@lru_cache(4096)
def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
