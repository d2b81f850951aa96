"""Pure: how long a hop waits before its agent is asked again."""

import random
from dataclasses import dataclass
from datetime import datetime

from delegation.errors import AgentTimeout, AgentUnavailable
from delegation.gateway.transient import Transient
from delegation.loop.circuits import AgentResting, CircuitOpen
from delegation.store.records import ClaimedHop
from security.errors import PlatformError

# A call that fails in passing, beyond the quick tries that the gateway makes by itself.
_RETRY_PAUSES = (1.0, 3.0)
_MOST_RETRIES_ASKED_FOR = 5
_LONGEST_RETRY_AFTER = 3600.0
# Work that is under way at an agent is not given up as lightly as a call.
_MOST_FAILED_POLLS = 10
_FIRST_PAUSE_AFTER_FAILED_POLL, _LONGEST_PAUSE = 1.0, 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Polling:
    """The seconds until an agent that answers late is first asked, and the longest pause between two questions."""

    first: float
    longest: float

    def pause_after(self, polls: int) -> float:
        """Return the seconds until it is asked again, after so many questions."""
        return _spread(min(self.first * 2 ** min(polls, 16), max(self.first, self.longest)))


POLLING = Polling(first=0.2, longest=30.0)
# Beside an agent that was told where to push, polling is only there for the notification that never comes.
POLLING_BESIDE_PUSH = Polling(first=2.0, longest=60.0)


def before_retry(error: PlatformError, *, hop: ClaimedHop, now: datetime) -> float | None:
    """Return the seconds until the same is tried again; None where it is not, or not before the deadline."""
    asked = error.retry_after_seconds if isinstance(error, AgentUnavailable) else None
    if isinstance(error, AgentResting):
        pause: float | None = _after(asked or 0.0)
    elif hop.polls:
        pause = _before_next_poll(error, hop.tries, asked)
    else:
        pause = _before_next_call(error, hop.tries, asked)
    left = (hop.task.deadline_at - now).total_seconds()
    return pause if pause is not None and pause < left else None


def _before_next_call(error: PlatformError, tries: int, asked: float | None) -> float | None:
    if not isinstance(error, Transient):
        return None
    if asked is None:
        return _spread(_RETRY_PAUSES[tries]) if tries < len(_RETRY_PAUSES) else None
    return _after(asked) if tries < _MOST_RETRIES_ASKED_FOR and asked <= _LONGEST_RETRY_AFTER else None


def _before_next_poll(error: PlatformError, tries: int, asked: float | None) -> float | None:
    if not isinstance(error, Transient | CircuitOpen | AgentTimeout) or tries >= _MOST_FAILED_POLLS:
        return None
    pause = _spread(min(_FIRST_PAUSE_AFTER_FAILED_POLL * 2**tries, _LONGEST_PAUSE))
    return max(pause, _after(min(asked or 0.0, _LONGEST_RETRY_AFTER)))


def _after(asked: float) -> float:
    # Later than asked, never sooner, and not all at the same moment.
    return asked * random.uniform(1.0, 1.1) + random.uniform(0.0, 0.25)  # noqa: S311  no secret hangs on it


def _spread(seconds: float) -> float:
    return seconds * random.uniform(0.75, 1.25)  # noqa: S311  no secret hangs on it
