"""The named limits: an operation counts on all that it touches, or on none."""

from collections.abc import Awaitable, Coroutine, Iterable
from datetime import datetime
from typing import Any

from security.limits.admission import Admission, admission_from_reply
from security.limits.commands import (
    Acquire,
    Admit,
    AsyncStore,
    GiveBack,
    Store,
    check_one_customer,
    checked_id,
    merged,
    milliseconds,
)
from security.limits.table import Hit, Scope


class Limiter:
    """Admit operations under limits that hold in every span of their window, from any thread or process."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def acquire(self, hits: Iterable[Hit], *, operation_id: str, now: datetime) -> Admission:
        """Count all hits, or none. What this operation counted before, within the window, is not counted again.

        Raises:
            LimiterUnavailable: the counters are out of reach.
            ValueError: hits of several customers, or two quotas for one counter.
        """
        command = _acquire_command(hits, operation_id=operation_id, now=now)
        reply = self._store.run(command) if command.hits else [1]
        return admission_from_reply(hits=command.hits, reply=reply)

    def give_back(self, scopes: Iterable[Scope], *, operation_id: str) -> bool:
        """Take out what an operation counted that then never happened; tell whether anything was there.

        Raises:
            LimiterUnavailable: the counters are out of reach.
        """
        return self._store.run(_give_back_command(scopes, operation_id))[0] > 0


class AsyncLimiter:
    """The same, from an event loop."""

    def __init__(self, store: AsyncStore) -> None:
        self._store = store

    async def acquire(self, hits: Iterable[Hit], *, operation_id: str, now: datetime) -> Admission:
        """Count all hits, or none; see Limiter.acquire."""
        command = _acquire_command(hits, operation_id=operation_id, now=now)
        reply = await self._store.run(command) if command.hits else [1]
        return admission_from_reply(hits=command.hits, reply=reply)

    def admit(self, hits: Iterable[Hit], *, operation_id: str, now: datetime) -> Coroutine[Any, Any, bool]:
        """Begin to count all hits, or none; what is returned tells which, to be awaited once.

        It costs a fraction of ``acquire``, which tells of each limit too. Raises as ``Limiter.acquire``.
        """
        found = merged(hits)
        command = Admit(hits=found, operation_id=checked_id(operation_id), now_ms=milliseconds(now))
        return _is_yes(self._store.run(command) if found else None)

    async def give_back(self, scopes: Iterable[Scope], *, operation_id: str) -> bool:
        """Take out what an operation counted; see Limiter.give_back."""
        return (await self._store.run(_give_back_command(scopes, operation_id)))[0] > 0


async def _is_yes(reply: Awaitable[list[int]] | None) -> bool:
    return reply is None or (await reply)[0] == 1


def _acquire_command(hits: Iterable[Hit], *, operation_id: str, now: datetime) -> Acquire:
    return Acquire(hits=merged(hits), operation_id=checked_id(operation_id), now_ms=milliseconds(now))


def _give_back_command(scopes: Iterable[Scope], operation_id: str) -> GiveBack:
    found = tuple(dict.fromkeys(scopes))
    check_one_customer(scope.customer_id for scope in found)
    return GiveBack(scopes=found, operation_id=checked_id(operation_id))
