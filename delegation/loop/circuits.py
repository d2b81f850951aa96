"""A circuit breaker per agent: one that does not answer is left alone for a while, then tried with a single call.

The count of failures is this worker's own; that a circuit is open stands in the agent's row, so that the other workers
know it with their next look at the roster, and the metric ``a2a_agent_availability`` shows it. An agent that answers
with Retry-After is not broken: it rests until then, for this worker, and what it is to do waits that long.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from delegation.errors import AgentUnavailable
from delegation.loop.roster import AgentRecord
from delegation.models import Agent

Save = Callable[[UUID, datetime | None], Awaitable[None]]


# An agent that asks for more is tried again, and asks again.
_LONGEST_REST_SECONDS = 3600.0


class CircuitOpen(AgentUnavailable):
    """The agent is left alone for a while."""


class AgentResting(AgentUnavailable):
    """The agent has said to come back later, to an earlier call."""


@dataclass(slots=True)
class _Circuit:
    rests_until: datetime | None = None
    failures: int = 0
    trips: int = 0
    open_until: datetime | None = None
    probing: bool = False


class Circuits:
    """All agents' circuits as one worker knows them."""

    def __init__(self, *, save: Save, threshold: int, first_seconds: float, longest_seconds: float) -> None:
        self._save = save
        self._threshold = threshold
        self._first_seconds = first_seconds
        self._longest_seconds = longest_seconds
        self._circuits: dict[UUID, _Circuit] = {}

    @contextmanager
    def admitted(self, agent: AgentRecord, *, now: datetime) -> Iterator[None]:
        """Let a call through while the circuit is closed, and one at a time while it is half open.

        Raises:
            CircuitOpen: it is open, or the one call that may try is under way.
            AgentResting: the agent has asked for time; ``retry_after_seconds`` says how much is left.
        """
        circuit = self._circuits.setdefault(agent.id, _Circuit())
        if circuit.rests_until is not None and now < circuit.rests_until:
            left = (circuit.rests_until - now).total_seconds()
            raise AgentResting(internal=f"{agent.agent_type} rests for {left:.1f} s", retry_after_seconds=left)
        open_until = circuit.open_until or agent.circuit_open_until
        if open_until is None:
            yield
            return
        if now < open_until or circuit.probing:
            raise CircuitOpen(internal=f"circuit of {agent.agent_type} open until {open_until:%H:%M:%S}")
        circuit.probing = True
        try:
            yield
        finally:
            circuit.probing = False

    async def succeeded(self, agent: AgentRecord) -> None:
        """Close the circuit: the agent answers."""
        circuit = self._circuits[agent.id]
        was_open = circuit.open_until or agent.circuit_open_until
        circuit.rests_until = None
        circuit.failures = circuit.trips = 0
        if was_open:
            circuit.open_until = None
            await self._save(agent.id, None)

    def rests(self, agent: AgentRecord, *, seconds: float, now: datetime) -> None:
        """Leave the agent alone for as long as it asks: it is there, so this is no failure."""
        self._circuits[agent.id].rests_until = now + timedelta(seconds=min(seconds, _LONGEST_REST_SECONDS))

    async def failed(self, agent: AgentRecord, *, now: datetime) -> None:
        """Count a failure; enough in a row, or one of a single try, open the circuit for longer each time."""
        circuit = self._circuits[agent.id]
        if circuit.open_until is not None and now < circuit.open_until:
            return  # of the calls that were under way when it opened
        circuit.failures += 1
        was_open = circuit.open_until or agent.circuit_open_until
        if circuit.failures < self._threshold and not was_open:
            return
        seconds = min(self._first_seconds * 2 ** min(circuit.trips, 16), self._longest_seconds)
        circuit.trips += 1
        circuit.open_until = now + timedelta(seconds=seconds)
        await self._save(agent.id, circuit.open_until)


def save_circuit(agent_id: UUID, open_until: datetime | None) -> None:
    """Keep it in the agent's row."""
    Agent.objects.filter(id=agent_id).update(circuit_open_until=open_until)
