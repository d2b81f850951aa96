"""Backpressure: no more work is taken in than is worked off, counted cheaply and only roughly."""

import time
from threading import Lock

from django.conf import settings

from delegation.errors import Overloaded
from delegation.models import Hop
from delegation.states import HopStatus

# A count is good for so long; what this process submits meanwhile is added to it.
_SECONDS = 1.0
_RETRY_AFTER_SECONDS = 5.0
_IN_ALL = ""


class _Count:
    """The pending hops of one customer, or of all, as this process believes them to be."""

    __slots__ = ("hops", "read_at")

    def __init__(self) -> None:
        self.hops = 0
        self.read_at = float("-inf")


_counts: dict[str, _Count] = {}
_lock = Lock()


def check_backlog(customer_id: str) -> None:
    """Let one more task in.

    Raises:
        Overloaded: too many hops of the customer, or of all customers together, wait to be begun.
    """
    own, all_ = _fresh(customer_id), _fresh(_IN_ALL)
    if own.hops >= settings.A2A_MAX_PENDING_PER_CUSTOMER:
        raise Overloaded(
            detail="Too many of your tasks are waiting to begin. Please try again shortly.",
            internal=f"{own.hops} pending of {customer_id}",
            retry_after_seconds=_RETRY_AFTER_SECONDS,
        )
    if all_.hops >= settings.A2A_MAX_PENDING:
        raise Overloaded(internal=f"{all_.hops} pending in all", retry_after_seconds=_RETRY_AFTER_SECONDS)
    own.hops += 1
    all_.hops += 1


def forget_backlog() -> None:
    """Count anew, as a new process would."""
    _counts.clear()


def _fresh(customer_id: str) -> _Count:
    count = _counts.get(customer_id)
    if count is None:
        count = _counts.setdefault(customer_id, _Count())
    if time.monotonic() - count.read_at < _SECONDS:
        return count
    # One thread counts; the others go by what was known.
    if _lock.acquire(blocking=count.read_at == float("-inf")):
        try:
            if time.monotonic() - count.read_at >= _SECONDS:
                count.hops = _counted(customer_id)
                count.read_at = time.monotonic()
        finally:
            _lock.release()
    return count


def _counted(customer_id: str) -> int:
    """Count no further than matters, along the index of what is to be claimed."""
    pending = Hop.objects.filter(status=HopStatus.PENDING).order_by()
    if customer_id == _IN_ALL:
        return pending[: settings.A2A_MAX_PENDING].count()
    return pending.of_customer(customer_id)[: settings.A2A_MAX_PENDING_PER_CUSTOMER].count()
