"""How long to wait before another try."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from delegation.gateway.transient import StaleConnection, Transient

_FIRST_SECONDS = 0.2
_FACTOR = 3.0
# Who is asked to wait longer waits without holding anything: that is the caller's to do.
_LONGEST_WAIT_SECONDS = 2.0

T = TypeVar("T")


async def retried(attempt: Callable[[], Awaitable[T]], *, until: float, max_tries: int = 3) -> T:
    """Try again what fails in passing, while the waits in between are short and end by ``until`` (the loop's clock).

    Raises:
        Transient: of the last try; with ``retry_after_seconds`` when the agent asked for more time than that.
    """
    tries = 1
    while True:
        try:
            return await attempt()
        except StaleConnection:
            # It says nothing of the agent as it is now: who may try only once has another try on a fresh connection.
            if tries >= max(max_tries, 2):
                raise
        except Transient as failure:
            wait = _seconds_to_wait(failure, tries)
            late = asyncio.get_running_loop().time() + wait >= until
            if tries >= max_tries or late or wait > _LONGEST_WAIT_SECONDS:
                raise
            await asyncio.sleep(wait)
        tries += 1


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
    # Spread, so that the callers of an agent that comes back do not all return at once; never sooner than asked.
    asked = failure.retry_after_seconds
    if asked is not None:
        return asked * random.uniform(1.0, 1.1)  # noqa: S311  no secret hangs on it
    return _FIRST_SECONDS * _FACTOR ** (tries - 1) * random.uniform(0.5, 1.5)  # noqa: S311  nor on this
