"""What an HTTP answer says of limits: RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-10)."""

import math
from collections.abc import Iterable

from security.errors import RateLimitExceeded
from security.limits.admission import Admission, Standing

# The most that an integer of structured fields holds (RFC 9651, 3.3.1).
_LARGEST_INTEGER = 10**15 - 1


def rate_limit_headers(admission: Admission) -> dict[str, str]:
    """Return the headers of the answer: both fields, and Retry-After where it is a refusal; none without limits."""
    headers = {}
    if admission.standings:
        headers["RateLimit-Policy"] = rate_limit_policy(admission.standings)
        headers["RateLimit"] = rate_limit(admission.standings)
    if admission.refused:
        headers["Retry-After"] = str(_seconds(admission.retry_after_seconds))
    return headers


def exceeded(admission: Admission) -> RateLimitExceeded:
    """Return a refusal as the error of the catalogue, for callers that raise.

    Raises:
        ValueError: nothing was refused.
    """
    refused = admission.refused
    if refused is None:
        raise ValueError("nothing was refused")
    return RateLimitExceeded(
        internal=(
            f"{refused.limit_type} of {' > '.join((refused.customer_id, *refused.parts))}: {refused.remaining} left of "
            f"{refused.allowed} in {refused.window_seconds} s, more in {refused.retry_after_seconds:.3f} s"
        ),
        retry_after_seconds=refused.retry_after_seconds,
        policy=rate_limit_policy(admission.standings),
    )


def rate_limit_policy(standings: Iterable[Standing]) -> str:
    """Return the field's value: ``"customer_tasks";q=1000;w=86400``."""
    return ", ".join(
        f'"{standing.limit_type}";q={_integer(standing.allowed)};w={_integer(standing.window_seconds)}'
        for standing in _tightest(standings)
    )


def rate_limit(standings: Iterable[Standing]) -> str:
    """Return the field's value: ``"customer_tasks";r=0;t=512``.

    ``t`` is the time until more is free; of a limit that refuses, until the same would be admitted, so that it tells
    the same as Retry-After.
    """
    return ", ".join(
        f'"{standing.limit_type}";r={_integer(standing.remaining)}'
        f";t={_seconds(standing.retry_after_seconds or standing.reset_seconds)}"
        for standing in _tightest(standings)
    )


def _tightest(standings: Iterable[Standing]) -> list[Standing]:
    """Return one standing of each type: the draft forbids a policy's name twice in one answer."""
    tightest: dict[str, Standing] = {}
    for standing in standings:
        known = tightest.get(standing.limit_type)
        if known is None or _order(standing) < _order(known):
            tightest[standing.limit_type] = standing
    return list(tightest.values())


def _order(standing: Standing) -> tuple[float, int]:
    return -standing.retry_after_seconds, standing.remaining


def _seconds(value: float) -> int:
    """Round up: a client that waits as long as it was told is not to be a moment early."""
    return _integer(math.ceil(value))


def _integer(value: int) -> int:
    return min(value, _LARGEST_INTEGER)
