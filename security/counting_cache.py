"""The caches that count for all processes: one round trip a count where Django's own takes three, or far less."""

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha1
from typing import Any, ClassVar

from django.core.cache.backends.redis import RedisCache
from redis import Redis
from redis.exceptions import NoScriptError

_COUNT = "redis.call('SET', KEYS[1], 0, 'EX', ARGV[1], 'NX') return redis.call('INCRBY', KEYS[1], ARGV[2])"
# Redis names a script by its SHA-1; nothing relies on it for security.
_DIGEST = sha1(_COUNT.encode(), usedforsecurity=False).hexdigest()


class CountingCache(RedisCache):
    """Counts with ``add(key, n, timeout)``, and where that says the key is there already, ``incr(key)``.

    The first has counted then, and the second, of the same thread, only tells what came of it.
    """

    _counted: tuple[str, int] = ("", 0)

    @cached_property
    def _redis(self) -> Redis:
        # Django makes a client for each command, which costs more than the command.
        return self._cache.get_client(write=True)

    def add(self, key: Any, value: Any, timeout: Any = None, version: int | None = None) -> bool:
        name = self.make_and_validate_key(key, version=version)
        if not isinstance(value, int) or not timeout:
            raise ValueError("counts are whole numbers, and end")
        self._counted = name, self._count(name, value, seconds=int(timeout))
        return self._counted == (name, value)

    def _count(self, name: str, value: int, *, seconds: int) -> int:
        try:
            return int(self._redis.evalsha(_DIGEST, 1, name, seconds, value))
        except NoScriptError:
            return int(self._redis.eval(_COUNT, 1, name, seconds, value))

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        name, count = self._counted
        if name != self.make_and_validate_key(key, version=version) or delta != 1:
            raise ValueError("incr follows add")
        return count


@dataclass(slots=True)
class _Block:
    """The numbers that this process has drawn for a key and not given yet; ``last`` is the largest drawn so far."""

    last: int = 0
    left: deque[int] = field(default_factory=deque)


class BlockCountingCache(CountingCache):
    """Draws numbers in blocks once there are many, as a sequence with a cache does.

    Each number is given once, by whichever process, so that no more requests than allowed find theirs within a limit.
    What a process has drawn and never gives is lost: one in 64 of all at most, and none of the first 128. For keys
    that are of no use once their time is over, and are neither read nor deleted before.
    """

    _PART, _LARGEST = 64, 100
    _REMEMBERED_AT_MOST = 10_000
    # The process's, not the thread's: each thread has a cache of its own.
    _blocks: ClassVar[dict[str, _Block]] = {}

    def _count(self, name: str, value: int, *, seconds: int) -> int:
        if value != 1:
            raise ValueError("blocks are drawn for one after the other")
        block = self._block_of(name)
        # Threads share it without a lock: a deque gives each number to one of them.
        with suppress(IndexError):
            return block.left.popleft()
        size = min(max(block.last // self._PART, 1), self._LARGEST)
        last = super()._count(name, size, seconds=seconds)
        block.left.extend(range(last - size + 2, last + 1))
        block.last = last
        return last - size + 1

    def _block_of(self, name: str) -> _Block:
        block = self._blocks.get(name)
        if block is None:
            if len(self._blocks) >= self._REMEMBERED_AT_MOST:
                self._blocks.clear()
            block = self._blocks.setdefault(name, _Block())
        return block
