"""Which groups anybody watches: a task that nobody looks at costs no message.

A watcher makes its group known before it reads what has happened so far. Whoever commits later finds it watched;
what was committed earlier is in what the watcher reads.
"""

from collections.abc import Iterable

from django.core.cache import cache

# A watcher that is gone without a word is forgotten after so long; who stays renews it well before.
FORGOTTEN_SECONDS = 60.0
RENEW_SECONDS = 20.0
_PREFIX = "watched:"


def watch(group: str) -> None:
    """Make known that somebody watches the group, for a while. Raises RedisError where the cache is away."""
    cache.set_many({_PREFIX + _kind(group): 1, _PREFIX + group: 1}, FORGOTTEN_SECONDS)


def watched(groups: Iterable[str]) -> list[str]:
    """Return those of the groups that somebody watches. Raises RedisError where the cache is away."""
    kinds: dict[str, list[str]] = {}
    for group in groups:
        kinds.setdefault(_kind(group), []).append(group)
    # A busy worker moves hundreds of tasks a second: mostly nobody watches any of them by itself, here or elsewhere.
    return _known([group for kind in _known(list(kinds)) for group in kinds[kind]])


def _kind(group: str) -> str:
    return group.partition(".")[0]


def _known(names: list[str]) -> list[str]:
    found = cache.get_many([_PREFIX + name for name in names]) if names else {}
    return [key.removeprefix(_PREFIX) for key in found]
