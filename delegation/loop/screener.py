"""What a running hop hears of its agent goes through here: scanned, put on record, cleaned or stopped."""

from collections.abc import Awaitable, Callable, Container
from datetime import UTC, datetime
from typing import Protocol

import orjson

from delegation.errors import AgentError
from delegation.gateway import AgentReply
from delegation.loop.roster import AgentRecord
from delegation.loop.screening import Screen, Screened, screen, screen_remote_id, screen_words
from delegation.policy.decision import Decision
from delegation.store.records import ClaimedHop
from security.errors import LeakageDetected, PlatformError
from security.leak_rules import LeakRules
from security.leakage import Detector

# So much of what an agent says about its own failure is of use in a log.
_SAID_LENGTH = 300


class Run(Protocol):
    """A hop being run, as far as the screener needs it."""

    @property
    def hop(self) -> ClaimedHop: ...
    @property
    def agent(self) -> AgentRecord: ...
    @property
    def known_agents(self) -> Container[str]: ...
    @property
    def leak_rules(self) -> LeakRules: ...

    def decide(self, decision: Decision) -> None: ...
    def note(self, screened: Screened) -> None:
        """Raise LeakageDetected where the answer must not go on."""


class Screener:
    """Scans for hops. ``detector`` gives the detector with every customer that is known now."""

    def __init__(self, detector: Callable[[], Awaitable[Detector]]) -> None:
        self._detector = detector

    async def decision(self, run: Run, decision: Decision, *, remote_id: str) -> Decision:
        """Return the decision as it may travel on. Raises LeakageDetected."""
        on = await self._screen(run)
        cleaned, screened = screen(decision, on=on, known=run.known_agents, remote_id=remote_id)
        run.decide(cleaned)
        run.note(screened)
        return cleaned

    async def words(self, run: Run, words: str) -> str:
        """Scan words of the agent that go no further; return what of them may be logged. Raises LeakageDetected."""
        cleaned, screened = screen_words(words, on=await self._screen(run))
        run.note(screened)
        return cleaned[:_SAID_LENGTH]

    async def progress(self, run: Run, *, words: str, remote_id: str) -> None:
        """Scan what an agent says while it works on; only the name of its task is kept. Raises LeakageDetected.

        It may say the same at each poll: what it said at first goes on record.
        """
        on = await self._screen(run)
        for screened in (screen_words(words, on=on)[1], screen_remote_id(remote_id, on=on)):
            if screened.blocked or not run.hop.polls:
                run.note(screened)

    async def failure(self, run: Run, failure: PlatformError) -> tuple[PlatformError, str]:
        """Return how the hop fails, and what the agent said about it in words that may be logged.

        At each further try it may say the same: what it said at first goes on record.
        """
        if not isinstance(failure, AgentError) or not failure.said or (run.hop.tries and failure.retryable):
            return failure, ""
        try:
            return failure, await self.words(run, failure.said)
        except LeakageDetected as leak:
            # Whoever may try again is told so: what the agent said is on record all the same.
            return (failure if failure.retryable else leak), ""

    async def _screen(self, run: Run) -> Screen:
        detector = await self._detector()
        return Screen(hop=run.hop, ve_id=run.agent.ve_id, detector=detector, rules=run.leak_rules, at=datetime.now(UTC))


def words_of(reply: AgentReply) -> str:
    """Return all that the answer says, as one text to scan."""
    return "\n".join([reply.text, *(orjson.dumps(part).decode() for part in (*reply.data, *reply.files))])
