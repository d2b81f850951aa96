"""How often a person and an address may ask over HTTP; django-ratelimit counts, in a cache that processes share."""

import ipaddress
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import structlog
from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django_ratelimit.core import get_usage

from security.errors import RateLimitExceeded
from security.limits import LimiterUnavailable
from security.limits.circuit import Circuit

MINUTE = 60
log = structlog.get_logger(__name__)
# Of the cache's server, for the whole process: a request never waits for one that is known to be away.
circuit = Circuit()


def count_cache() -> BaseCache:
    """Return where single counts are kept that may be read and deleted, as those of failed logins."""
    return caches["counts"]


def address_of(request: Any) -> str:
    """Return whom an address stands for: itself, of IPv6 its network of 64 bits, which is one customer's."""
    return _counted_as(request.META.get("REMOTE_ADDR") or "")


@lru_cache(maxsize=4096)
def _counted_as(raw: str) -> str:
    try:
        address = ipaddress.ip_address(raw.partition("%")[0])
    except ValueError:
        return "unknown"
    if address.version == 6 and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)


def count_address(request: Any) -> None:
    """Count a request of its address. Raises RateLimitExceeded; with no counters it passes."""
    _count_leniently(request, "address", address_of(request), allowed=settings.A2A_HTTP_ADDRESS_REQUESTS_PER_MINUTE)


def count_user(request: Any, *, user_id: int) -> None:
    """Count a request of its person. Raises RateLimitExceeded; with no counters it passes."""
    _count_leniently(request, "user", str(user_id), allowed=settings.A2A_HTTP_REQUESTS_PER_MINUTE)


def count_login(request: Any) -> None:
    """Count an attempt to log in of its address. Raises RateLimitExceeded, and LimiterUnavailable with no counters."""
    counted(lambda: _count(request, "login", address_of(request), allowed=settings.A2A_LOGIN_ATTEMPTS_PER_MINUTE))


def counted(count: Callable[[], None]) -> None:
    """Do what needs the counters. Raises LimiterUnavailable where they are away, at once where that is known."""
    circuit.check()
    with circuit.watching():
        count()


def _count_leniently(request: Any, group: str, who: str, *, allowed: int) -> None:
    try:
        counted(lambda: _count(request, group, who, allowed=allowed))
    except LimiterUnavailable as error:
        log.warning("request not counted", internal=error.internal_message)


def _count(request: Any, group: str, who: str, *, allowed: int) -> None:
    if not allowed:
        return
    usage = get_usage(
        request, group=f"a2a-{group}", key=lambda *_: who, rate=lambda *_: (allowed, MINUTE), increment=True
    )
    if usage is not None and usage["should_limit"]:
        raise RateLimitExceeded(
            internal=f"more than {allowed} requests a minute of {group} {who}",
            retry_after_seconds=max(1, usage["time_left"]),
            policy=f'"{group}";q={allowed};w={MINUTE}',
        )
