"""Before an agent is called: has it, and the pair that the call came by, calls left in the hour?

A hop counts once, however often it is tried: it is known by where it stands in the task's tree, which is the same after
a crash.
"""

import heapq
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import structlog

from delegation import metrics
from delegation.loop.roster import Roster
from delegation.store import ClaimedHop
from security.limits import Admission, AsyncLimiter, Hit, LimiterUnavailable, LimitType, Scope, Standing, exceeded

log = structlog.get_logger(__name__)
LIMIT_NAMES = {
    LimitType.CUSTOMER_TASKS: "customer",
    LimitType.AGENT_CALLS: "agent",
    LimitType.DELEGATION_PAIR: "pair",
}


class _Expected(NamedTuple):
    """A count under way: whether the call is admitted by all its limits, to be awaited once."""

    counted: Coroutine[Any, Any, bool]
    roster: Roster


class Gate:
    """Admits hops to their calls. Belongs to one event loop."""

    def __init__(self, limiter: AsyncLimiter) -> None:
        self._limiter = limiter
        self._turns: dict[Scope, list[datetime]] = defaultdict(list)
        self._expected: dict[UUID, _Expected] = {}

    def expect(self, hop: ClaimedHop, roster: Roster, *, now: datetime) -> None:
        """Begin to count the call of a hop that is being committed: the two need not wait for each other.

        Then the hop is either admitted, or forgotten.
        """
        if hop.agent_type not in roster.agents or hop.id in self._expected:
            return
        hits, operation_id = _counted_by(hop, roster)
        counted = self._limiter.admit(hits, operation_id=operation_id, now=now)
        self._expected[hop.id] = _Expected(counted, roster)

    async def forget(self, hop: ClaimedHop, *, elsewhere: bool = False) -> None:
        """Take back what was begun for a hop that comes to no call; it is no error that nothing was.

        ``elsewhere``: another worker will make the call, which counts as the same.
        """
        expected = self._expected.pop(hop.id, None)
        if expected is not None and await _admitted(expected) and not elsewhere:
            await self.give_back(hop, expected.roster)

    async def admit(self, hop: ClaimedHop, roster: Roster, *, now: datetime) -> datetime | None:
        """Count the call, or return when the hop's turn comes where its customer would rather wait.

        Raises:
            RateLimitExceeded: a limit is used up; no limit has counted anything.
        """
        self.expect(hop, roster, now=now)
        expected = self._expected.pop(hop.id, None)
        if expected is not None and await _admitted(expected):
            return None
        # How its limits stand is asked where they refuse it, or could not be asked.
        hits, operation_id = _counted_by(hop, roster)
        if self._turns:
            hits = [replace(hit, ahead=self._ahead(hit.scope, now)) for hit in hits]
        admission = await self._acquire(hits, operation_id=operation_id, now=now)
        if admission is None or admission.refused is None:
            return None
        return self._turn(admission, admission.refused, hop, roster, now=now)

    async def admit_split(self, hop: ClaimedHop, roster: Roster, targets: Sequence[str], *, now: datetime) -> None:
        """Count all delegations of a split, each under the id by which its branch will be known, or none.

        Raises:
            RateLimitExceeded: not all of them are admitted, and the customer does not wait.
        """
        if roster.terms.waits:
            return  # each branch waits for its own turn
        hits = [
            replace(roster.delegation(hop.agent_type, target), operation_id=f"{hop.id}:{place}")
            for place, target in enumerate(targets)
        ]
        admission = await self._acquire(hits, operation_id=str(hop.id), now=now)
        if admission is not None and not admission.admitted:
            raise exceeded(admission)

    async def give_back(self, hop: ClaimedHop, roster: Roster) -> None:
        """Take back what was counted for a call that is not made after all."""
        hits, operation_id = _counted_by(hop, roster)
        with suppress(LimiterUnavailable):
            await self._limiter.give_back([hit.scope for hit in hits], operation_id=operation_id)

    async def _acquire(self, hits: list[Hit], *, operation_id: str, now: datetime) -> Admission | None:
        """Return the limiter's answer, None where it has none: what runs is never stopped for want of a counter."""
        try:
            admission = await self._limiter.acquire(hits, operation_id=operation_id, now=now)
        except LimiterUnavailable as error:
            metrics.UNCOUNTED_CALLS.inc()
            log.warning("call not counted", operation_id=operation_id, internal=error.internal_message)
            return None
        if admission.refused is not None:
            metrics.RATE_LIMIT_HITS.labels(
                LIMIT_NAMES[admission.refused.limit_type], admission.refused.customer_id
            ).inc()
        return admission

    def _turn(
        self, admission: Admission, refused: Standing, hop: ClaimedHop, roster: Roster, *, now: datetime
    ) -> datetime:
        due_at = now + timedelta(seconds=refused.retry_after_seconds)
        # To wait for what never comes, or comes too late, is no waiting.
        if not roster.terms.waits or not refused.allowed or due_at >= hop.task.deadline_at:
            raise exceeded(admission)
        heapq.heappush(self._turns[Scope(refused.limit_type, refused.customer_id, refused.parts)], due_at)
        return due_at

    def _ahead(self, scope: Scope, now: datetime) -> int:
        """Return how many of this worker's hops have a turn to come: the next is told the one after theirs."""
        turns = self._turns.get(scope)
        if turns is None:
            return 0
        while turns and turns[0] <= now:
            heapq.heappop(turns)
        if not turns:
            del self._turns[scope]
        return len(turns)


async def _admitted(expected: _Expected) -> bool:
    try:
        return await expected.counted
    except LimiterUnavailable:
        return False


def _counted_by(hop: ClaimedHop, roster: Roster) -> tuple[list[Hit], str]:
    """Return what the hop's call counts, and the id that it is counted under however often it is tried."""
    hits = [roster.call(hop.agent_type)]
    if hop.parent_id is None or hop.attempt > 1:
        return hits, str(hop.id)
    hits.append(roster.delegation(hop.path[-2], hop.agent_type))
    return hits, f"{hop.parent_id}:{hop.branch if hop.join_id == hop.parent_id else 0}"
