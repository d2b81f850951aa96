"""Cards are fetched once for many calls, by one request at a time, and for each customer apart."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

from delegation.errors import AgentUnavailable, InvalidAgentResponse
from delegation.gateway.cards import AgentCard

_NEGATIVE_SECONDS = 30.0
_MAX_ENTRIES = 10_000

Fetch = Callable[[], Awaitable[AgentCard]]


class CardKey(NamedTuple):
    """Whose call it is and which agent it goes to: a card that one customer's credential opens is for that customer."""

    customer_id: str
    url: str


@dataclass(frozen=True, slots=True)
class _Entry:
    expires_at: float
    card: AgentCard | None = None
    problem: str = ""


class CardCache:
    def __init__(self, *, ttl_seconds: float) -> None:
        self._ttl_seconds = ttl_seconds
        self._entries: dict[CardKey, _Entry] = {}
        self._flights: dict[CardKey, asyncio.Task[AgentCard]] = {}

    def known(self, key: CardKey) -> AgentCard | None:
        """Return the card if it is known and fresh.

        Raises:
            InvalidAgentResponse: the agent had a card just now that cannot be used.
        """
        entry = self._entries.get(key)
        if entry is None or entry.expires_at < time.monotonic():
            return None
        if entry.card is None:
            raise InvalidAgentResponse(internal=entry.problem)
        return entry.card

    async def fetched(self, key: CardKey, fetch: Fetch) -> AgentCard:
        """Fetch the card, or wait for the fetch that is under way.

        An agent that cannot be reached for its card is called by the card that it had.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.ensure_future(self._fly(key, fetch))
            flight.add_done_callback(lambda done: self._landed(key, done))
        # The caller's time limit ends its waiting, not the flight that others wait for too.
        return await asyncio.shield(flight)

    def remember(self, key: CardKey, card: AgentCard) -> None:
        """Keep a card; what is only assumed of an agent is asked again soon."""
        self._keep(key, _Entry(time.monotonic() + (self._ttl_seconds if card.raw else self._brief), card))

    async def close(self) -> None:
        """Give up the fetches under way."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    @property
    def _brief(self) -> float:
        return min(self._ttl_seconds, _NEGATIVE_SECONDS)

    async def _fly(self, key: CardKey, fetch: Fetch) -> AgentCard:
        try:
            card = await fetch()
        except InvalidAgentResponse as error:
            self._keep(key, _Entry(time.monotonic() + self._brief, problem=error.internal_message))
            raise
        except AgentUnavailable:
            old = self._entries.get(key)
            if old is None or old.card is None:
                raise
            self._keep(key, _Entry(time.monotonic() + self._brief, old.card))
            return old.card
        self.remember(key, card)
        return card

    def _landed(self, key: CardKey, flight: asyncio.Task[AgentCard]) -> None:
        del self._flights[key]
        if not flight.cancelled():
            # Marks the failure as seen where every caller has gone; those who wait get it all the same.
            flight.exception()

    def _keep(self, key: CardKey, entry: _Entry) -> None:
        self._entries.pop(key, None)
        if len(self._entries) >= _MAX_ENTRIES:
            del self._entries[next(iter(self._entries))]
        self._entries[key] = entry
