"""What an agent is sent, and for whom: made when the hop's turn comes, or ahead of it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID, uuid5

import orjson

from delegation.gateway import AgentCall
from delegation.loop.hop_run import situation_of
from delegation.loop.pushing import PushAddresses
from delegation.loop.roster import AgentRecord, Roster
from delegation.policy.verdict import MAX_DEPTH, Situation, candidates
from delegation.store import ClaimedHop
from delegation.store.records import Row
from security.errors import PlatformError
from security.identity import CallIdentity

# How often in a row an agent is called that is not known to be away.
_QUICK_TRIES = 3


class _Ahead(NamedTuple):
    """A call made before its hop's turn, and what was known then."""

    roster: Roster
    call: AgentCall


class Caller:
    """Makes the calls of one event loop's hops.

    While a decision is being committed there is time to make the call that comes of it: ``expect`` the hop, ``prepare``
    it, then either its ``call`` or to ``forget`` it. ``ready`` makes a call's request (``Gateway.prepared``).
    """

    def __init__(
        self, *, ready: Callable[[AgentCall], AgentCall], push: PushAddresses | None, agent_timeout_seconds: float
    ) -> None:
        self._ready = ready
        self._push = push
        self._agent_timeout_seconds = agent_timeout_seconds
        self._ahead: dict[UUID, _Ahead | None] = {}

    def expect(self, hop: ClaimedHop) -> None:
        self._ahead[hop.id] = None

    def forget(self, hop: ClaimedHop) -> None:
        self._ahead.pop(hop.id, None)

    def prepare(self, hops: Sequence[ClaimedHop], roster: Roster) -> None:
        """Make the first calls of those that are still expected. What cannot be made now is made, or fails, then."""
        for hop in hops:
            agent = roster.agents.get(hop.agent_type)
            if agent is None or hop.id not in self._ahead:
                continue
            call = self.call(hop, agent, roster, situation_of(hop, agent, roster))
            try:
                self._ahead[hop.id] = _Ahead(roster, self._ready(call))
            except PlatformError:
                continue

    def first_call(
        self, hop: ClaimedHop, agent: AgentRecord, roster: Roster, situation: Situation, inputs: list[Row]
    ) -> AgentCall:
        """Return the hop's call, as it was prepared where nothing has changed since."""
        ahead = self._ahead.pop(hop.id, None)
        if ahead is not None and ahead.roster is roster and not inputs:
            return ahead.call
        return self.call(hop, agent, roster, situation, inputs=inputs)

    def call(
        self,
        hop: ClaimedHop,
        agent: AgentRecord,
        roster: Roster,
        situation: Situation,
        *,
        inputs: Sequence[Row] = (),
        problem: str = "",
    ) -> AgentCall:
        """Return what is sent. ``problem`` is what was wrong with the agent's last answer."""
        timeout = min(self.time_limit(agent), max((hop.task.deadline_at - _now()).total_seconds(), 0.001))
        message_id = str(hop.id if not problem else uuid5(hop.id, "correction"))
        instruction = _said(hop, inputs)
        if problem:
            instruction = f"Your last answer was not accepted: {problem}\n\n{hop.instruction}"
            inputs = [*inputs, {"kind": "correction", "problem": problem}]
        return AgentCall(
            url=agent.endpoint_url,
            message_id=message_id,
            context_id=str(hop.task.id),
            customer_id=hop.task.customer_id,
            traceparent=f"00-{hop.task.trace_id}-{hop.id.hex[-16:]}-01",
            instruction=instruction,
            context=_context(hop, roster, situation, inputs),
            timeout_seconds=timeout,
            identity=identity_of(hop, agent, message_id=message_id, timeout_seconds=timeout),
            credential=agent.credential,
            # A task of the agent's that has ended takes no more messages: the correction begins another.
            remote_task_id=None if problem else hop.remote_task_id or None,
            return_immediately=not problem,
            max_tries=_QUICK_TRIES if hop.tries == 0 else 1,
            push=None if problem or self._push is None else self._push.target_of(hop, agent),
        )

    def time_limit(self, agent: AgentRecord) -> float:
        """Return how many seconds a call of the agent may take."""
        return agent.timeout_seconds or self._agent_timeout_seconds


def identity_of(hop: ClaimedHop, agent: AgentRecord, *, message_id: str, timeout_seconds: float) -> CallIdentity:
    """Return the identity of one call of the hop's agent, as the token says it that goes with it."""
    return CallIdentity(
        customer_id=hop.task.customer_id,
        path=hop.path,
        agent_ve_id=agent.ve_id,
        message_id=message_id,
        delegation_id=str(hop.id),
        timeout_seconds=timeout_seconds,
        person=str(hop.task.created_by or ""),
    )


def is_answered(inputs: Sequence[Row]) -> bool:
    """Tell whether the hop goes on because its question was answered."""
    return bool(inputs) and inputs[-1]["kind"] == "answer"


def _said(hop: ClaimedHop, inputs: Sequence[Row]) -> str:
    """Return the text for the agent: the instruction, or in a task of its own that goes on, the answer it asked for."""
    return str(inputs[-1]["answer"]) if hop.remote_task_id and is_answered(inputs) else hop.instruction


def _context(hop: ClaimedHop, roster: Roster, situation: Situation, inputs: Sequence[Row]) -> Mapping[str, object]:
    """Return the data part that goes with the instruction (design: what an agent receives)."""
    return {
        "task_id": hop.task.id,
        "delegation_id": hop.id,
        "delegation_depth": hop.depth,
        "max_depth": MAX_DEPTH,
        "customer_id": hop.task.customer_id,
        "path": list(hop.path),
        "candidates": _colleagues(roster, situation),
        "inputs": inputs,
        "deadline": hop.task.deadline_at.isoformat(),
    }


def _colleagues(roster: Roster, situation: Situation) -> orjson.Fragment:
    """Return, as JSON, the colleagues that an agent may delegate to from where it stands."""
    place = situation.depth, situation.path, situation.reach
    if place not in roster.shown:
        shown = [
            {
                "type": colleague.agent_type,
                "name": colleague.name,
                "seniority": colleague.seniority,
                "skills": colleague.skills,
                "description": colleague.description,
            }
            for colleague in candidates(situation)
        ]
        roster.shown[place] = orjson.Fragment(orjson.dumps(shown))
    return roster.shown[place]


def _now() -> datetime:
    return datetime.now(UTC)
