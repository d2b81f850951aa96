"""One question to one agent: in its turn, through its circuit, with its response time measured."""

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from delegation import metrics
from delegation.errors import AgentTimeout, AgentUnavailable, DeadlineExceeded
from delegation.gateway import AgentCall, AgentReply, Gateway
from delegation.loop.circuits import Circuits
from delegation.loop.places import Places

if TYPE_CHECKING:
    from delegation.loop.hop_run import HopRun


class Asker:
    """Sends messages and polls; the circuits learn how it went."""

    def __init__(self, *, gateway: Gateway, circuits: Circuits, places: Places) -> None:
        self._gateway = gateway
        self._places = places
        self._circuits = circuits

    def prepared(self, call: AgentCall) -> AgentCall:
        """Make the call ready to be sent when its turn comes. Raises PlatformError."""
        return self._gateway.prepared(call)

    async def ask(self, run: "HopRun", call: AgentCall, *, cut_short: bool, correction: bool) -> AgentReply:
        """Send the message, or ask how the agent's own task stands.

        ``cut_short``: the task's deadline left it less time than it may take, so that being late is not its fault.
        """
        asking = self._gateway.poll if run.hop.polls and not correction else self._gateway.call
        await self._places.enter_call(run.agent, priority=run.hop.priority)
        try:
            return await self._answer(run, partial(asking, call), cut_short=cut_short)
        finally:
            self._places.exit_call(run.agent)

    async def _answer(
        self, run: "HopRun", asking: Callable[[], Awaitable[AgentReply]], *, cut_short: bool
    ) -> AgentReply:
        with self._circuits.admitted(run.agent, now=datetime.now(UTC)):
            began = time.perf_counter()
            try:
                reply = await asking()
            except (AgentUnavailable, AgentTimeout) as error:
                await self._failed(run, error, cut_short=cut_short)
                raise
            else:
                await self._circuits.succeeded(run.agent)
                return reply
            finally:
                seconds = time.perf_counter() - began
                run.seconds = (run.seconds or 0.0) + seconds
                metrics.agent_response_time(run.hop.agent_type).observe(seconds)

    async def _failed(self, run: "HopRun", error: AgentUnavailable | AgentTimeout, *, cut_short: bool) -> None:
        now = datetime.now(UTC)
        if now >= run.hop.task.deadline_at or (cut_short and isinstance(error, AgentTimeout)):
            raise DeadlineExceeded(internal=error.internal_message) from error
        if isinstance(error, AgentUnavailable) and error.retry_after_seconds is not None:
            self._circuits.rests(run.agent, seconds=error.retry_after_seconds, now=now)
            return
        await self._circuits.failed(run.agent, now=now)
