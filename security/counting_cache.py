"""The cache that django-ratelimit counts in, with one round trip a count where Django's own takes three."""

from functools import cached_property
from hashlib import sha1
from typing import Any

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
        try:
            count = self._redis.evalsha(_DIGEST, 1, name, int(timeout), value)
        except NoScriptError:
            count = self._redis.eval(_COUNT, 1, name, int(timeout), value)
        self._counted = name, int(count)
        return int(count) == value

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        name, count = self._counted
        if name != self.make_and_validate_key(key, version=version) or delta != 1:
            raise ValueError("incr follows add")
        return count
