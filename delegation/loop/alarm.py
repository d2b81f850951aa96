"""One timer for all that a worker has parked: a number each, no task and no handle."""

import asyncio
import heapq
from collections.abc import Callable
from datetime import UTC, datetime


class Alarm:
    """Calls ``ring`` at each of the times asked for, or a moment later. Lost with the process: the sweep looks too."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._times: list[float] = []
        self._timer: asyncio.TimerHandle | None = None

    def ring_at(self, at: datetime) -> None:
        heapq.heappush(self._times, at.timestamp())
        # Most of what is parked is due after what the timer is set for already.
        if self._timer is None or self._times[0] == at.timestamp():
            self._set()

    def _set(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._times:
            delay = max(0.0, self._times[0] - datetime.now(UTC).timestamp())
            self._timer = asyncio.get_running_loop().call_later(delay, self._go_off)

    def _go_off(self) -> None:
        now = datetime.now(UTC).timestamp()
        while self._times and self._times[0] <= now:
            heapq.heappop(self._times)
        self._timer = None
        self._ring()
        self._set()
