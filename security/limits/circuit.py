"""Notices that the counters are away, so that callers are told at once instead of waiting each in turn."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from redis.exceptions import RedisError

from security.limits.errors import LimiterUnavailable


class Circuit:
    """Refuse calls for a while after ``threshold`` failures in a row, then let one through to see."""

    def __init__(
        self, *, threshold: int = 3, pause_seconds: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._threshold = threshold
        self._pause_seconds = pause_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._next_try_at = 0.0

    def check(self) -> None:
        """Raise LimiterUnavailable while the pause lasts; the first caller after it finds out for all."""
        if self._failures < self._threshold:
            return
        with self._lock:
            now = self._clock()
            if now < self._next_try_at:
                raise LimiterUnavailable(internal="the limiter's store was out of reach a moment ago")
            self._next_try_at = now + self._pause_seconds

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Learn how a call of Redis goes; its failures become LimiterUnavailable."""
        try:
            yield
        except (RedisError, OSError) as error:
            self._failed()
            reason = f"the limiter's store is out of reach: {type(error).__name__}: {error}"
            raise LimiterUnavailable(internal=reason) from error
        self._failures = 0

    def _failed(self) -> None:
        with self._lock:
            self._failures += 1
            self._next_try_at = self._clock() + self._pause_seconds
