"""How much a worker has under way: hops in all, hops of each agent, and calls of each agent.

What an agent has no place for stays in the database, pending or due, and holds nothing; the next look claims it when a
place is free, and never passes over other agents' hops for it.
"""

import asyncio
import heapq
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import count

from delegation.loop.roster import AgentRecord
from delegation.store.records import AgentKey, ClaimedHop

_FEW = 8
_MOMENT_SECONDS = 0.01


class Places:
    """The places of one worker, on its asyncio loop. Agents that name no limit of their own have ``per_agent``."""

    def __init__(self, *, capacity: int, per_agent: int) -> None:
        self._capacity = capacity
        self.per_agent = per_agent
        self._taken: Counter[AgentKey] = Counter()
        self._in_all = 0
        self._closed = False
        self._limits: dict[AgentKey, int] = {}
        self._calls: Counter[AgentKey] = Counter()
        self._waiting: dict[AgentKey, list[tuple[int, int, asyncio.Future[None]]]] = {}
        self._arrivals = count()

    def close(self) -> None:
        """Take no more: the worker is told to stop."""
        self._closed = True

    @property
    def free(self) -> int:
        """Return how many more hops this worker takes."""
        return 0 if self._closed else self._capacity - self._in_all

    @property
    def taken(self) -> dict[AgentKey, int]:
        """Return how many hops of each agent are under way."""
        return dict(self._taken)

    def has_one_for(self, agent: AgentRecord) -> bool:
        """Return whether a hop of this agent may begin here now."""
        return self.free > 0 and self._taken[agent.customer_id, agent.agent_type] < self._limit(agent)

    def take(self, hop: ClaimedHop) -> None:
        """Count a hop that begins here."""
        self._take((hop.task.customer_id, hop.agent_type))

    def reserved(self, targets: Sequence[AgentRecord], among: Iterable[int]) -> frozenset[int]:
        """Take places for the children that this worker may run on with, and return which; their parent leaves its own.

        ``among`` are the positions of those that need not wait for anybody.
        """
        granted = set()
        for position in among:
            agent = targets[position]
            key = agent.customer_id, agent.agent_type
            if not self._closed and self.free + 1 > 0 and self._taken[key] < self._limit(agent):
                self._take(key)
                granted.add(position)
        return frozenset(granted)

    def leave(self, hop: ClaimedHop) -> float | None:
        """Give a hop's place back; return the seconds until a look for who waited for it, None where nobody did."""
        key = hop.task.customer_id, hop.agent_type
        before = self._taken[key]
        self._in_all -= 1
        if before > 1:
            self._taken[key] = before - 1
        else:
            del self._taken[key]
        limit = self._limits.get(key, self.per_agent)
        if before < limit:
            return None
        # Of many places more will be free in a moment, and one look fills them all.
        return 0.0 if limit <= _FEW else _MOMENT_SECONDS

    async def enter_call(self, agent: AgentRecord, *, priority: int) -> None:
        """Begin a call of the agent, when fewer than its limit are under way; the higher priority goes first.

        A place is for a hop, and a look may bring a hop more than there are places for: those few wait here.
        """
        key = agent.customer_id, agent.agent_type
        if self._calls[key] < self._limit(agent):
            self._calls[key] += 1
            return
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting.setdefault(key, []), (-priority, next(self._arrivals), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.exit_call(agent)
            raise

    def exit_call(self, agent: AgentRecord) -> None:
        """End a call; whoever waits for its place has it."""
        key = agent.customer_id, agent.agent_type
        waiting = self._waiting.get(key, [])
        while waiting:
            turn = heapq.heappop(waiting)[2]
            if not turn.done():
                turn.set_result(None)
                return
        self._waiting.pop(key, None)
        self._calls[key] -= 1
        if not self._calls[key]:
            del self._calls[key]

    def _take(self, key: AgentKey) -> None:
        self._taken[key] += 1
        self._in_all += 1

    def _limit(self, agent: AgentRecord) -> int:
        limit = agent.max_concurrency or self.per_agent
        self._limits[agent.customer_id, agent.agent_type] = limit
        return limit
