"""The cache that django-ratelimit counts in, with one round trip a count where Django's own takes three."""

from typing import Any

from django.core.cache.backends.redis import RedisCache


class CountingCache(RedisCache):
    """Counts with ``add(key, n, timeout)``, and where that says the key is there already, ``incr(key)``.

    The first has counted then, and the second, of the same thread, only tells what came of it.
    """

    _counted: tuple[str, int] = ("", 0)

    def add(self, key: Any, value: Any, timeout: Any = None, version: int | None = None) -> bool:
        name = self.make_and_validate_key(key, version=version)
        if not isinstance(value, int) or not timeout:
            raise ValueError("counts are whole numbers, and end")
        pipeline = self._cache.get_client(name, write=True).pipeline(transaction=False)
        pipeline.set(name, 0, ex=int(timeout), nx=True)
        pipeline.incrby(name, value)
        made, count = pipeline.execute()
        self._counted = name, count
        return bool(made)

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        name, count = self._counted
        if name != self.make_and_validate_key(key, version=version) or delta != 1:
            raise ValueError("incr follows add")
        return count
