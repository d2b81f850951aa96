"""How long to wait before another try."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from delegation.gateway.transient import StaleConnection, Transient

_MAX_TRIES = 3
_FIRST_SECONDS = 0.2
_FACTOR = 3.0

T = TypeVar("T")


async def retried(attempt: Callable[[], Awaitable[T]], *, until: float) -> T:
    """Make an attempt up to three times, as long as the wait before the next one ends by ``until`` (the loop's clock).

    Raises:
        Transient: of the last try; with ``retry_after_seconds`` when the agent asked for more time than there is.
    """
    for tries in range(1, _MAX_TRIES):
        try:
            return await attempt()
        except Transient as failure:
            wait = _seconds_to_wait(failure, tries)
            if asyncio.get_running_loop().time() + wait >= until:
                raise
            await asyncio.sleep(wait)
    return await attempt()


def retry_after_seconds(value: str | None) -> float | None:
    """Read a Retry-After header: seconds, or a date. None when there is none to be understood."""
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def _seconds_to_wait(failure: Transient, tries: int) -> float:
    if isinstance(failure, StaleConnection):
        return 0.0
    # Spread over a factor of three, so that the callers of an agent that comes back do not all return at once.
    spread = random.uniform(0.5, 1.5)  # noqa: S311  no secret hangs on it
    asked = failure.retry_after_seconds
    return asked if asked is not None else _FIRST_SECONDS * _FACTOR ** (tries - 1) * spread
