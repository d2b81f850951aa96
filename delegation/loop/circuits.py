"""A circuit breaker per agent: one that does not answer is left alone for a while, then tried with a single call.

The count of failures is this worker's own; that a circuit is open stands in the agent's row, so that the other workers
know it with their next look at the roster, and the metric ``a2a_agent_availability`` shows it.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from delegation.errors import AgentTimeout, AgentUnavailable
from delegation.loop.roster import AgentRecord
from delegation.models import Agent

Save = Callable[[UUID, datetime | None], Awaitable[None]]


@dataclass(slots=True)
class _Circuit:
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
            AgentUnavailable: it is open, or the one call that may try is under way.
        """
        circuit = self._circuits.setdefault(agent.id, _Circuit())
        open_until = circuit.open_until or agent.circuit_open_until
        if open_until is None:
            yield
            return
        if now < open_until or circuit.probing:
            raise AgentUnavailable(internal=f"circuit of {agent.agent_type} open until {open_until:%H:%M:%S}")
        circuit.probing = True
        try:
            yield
        finally:
            circuit.probing = False

    async def succeeded(self, agent: AgentRecord) -> None:
        """Close the circuit: the agent answers."""
        circuit = self._circuits[agent.id]
        was_open = circuit.open_until or agent.circuit_open_until
        circuit.failures = circuit.trips = 0
        if was_open:
            circuit.open_until = None
            await self._save(agent.id, None)

    async def failed(self, agent: AgentRecord, error: AgentUnavailable | AgentTimeout, *, now: datetime) -> None:
        """Count a failure; enough in a row, or one of a single try, open the circuit for longer each time."""
        circuit = self._circuits[agent.id]
        if circuit.open_until is not None and now < circuit.open_until:
            return  # of the calls that were under way when it opened
        circuit.failures += 1
        was_open = circuit.open_until or agent.circuit_open_until
        if circuit.failures < self._threshold and not was_open:
            return
        asked = error.retry_after_seconds if isinstance(error, AgentUnavailable) else None
        seconds = min(self._first_seconds * 2 ** min(circuit.trips, 16), self._longest_seconds)
        circuit.trips += 1
        circuit.open_until = now + timedelta(seconds=max(seconds, min(asked or 0.0, self._longest_seconds)))
        await self._save(agent.id, circuit.open_until)


def save_circuit(agent_id: UUID, open_until: datetime | None) -> None:
    """Keep it in the agent's row."""
    Agent.objects.filter(id=agent_id).update(circuit_open_until=open_until)
