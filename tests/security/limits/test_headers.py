"""The header fields, byte for byte."""

import pytest

from security.limits import Admission, LimitType, Standing, exceeded, rate_limit_headers
from security.limits.headers import rate_limit


def standing(
    limit_type: LimitType = LimitType.CUSTOMER_TASKS,
    *,
    remaining: int = 999,
    reset: float = 86400.0,
    retry: float = 0.0,
    allowed: int = 1000,
) -> Standing:
    return Standing(
        limit_type=limit_type,
        customer_id="acme",
        parts=(),
        allowed=allowed,
        window_seconds=86400,
        remaining=remaining,
        reset_seconds=reset,
        retry_after_seconds=retry,
    )


def test_an_admission_tells_the_policy_and_what_is_left() -> None:
    assert rate_limit_headers(Admission(standings=(standing(),))) == {
        "RateLimit-Policy": '"customer_tasks";q=1000;w=86400',
        "RateLimit": '"customer_tasks";r=999;t=86400',
    }


def test_a_refusal_tells_the_same_time_in_both_fields_rounded_up() -> None:
    refused = standing(remaining=2, reset=100.0, retry=511.002)
    assert rate_limit_headers(Admission(standings=(refused,), refused=refused)) == {
        "RateLimit-Policy": '"customer_tasks";q=1000;w=86400',
        "RateLimit": '"customer_tasks";r=2;t=512',
        "Retry-After": "512",
    }


def test_several_limits_are_a_list_with_each_policy_once_the_tightest() -> None:
    standings = (
        standing(),
        standing(LimitType.DELEGATION_PAIR, remaining=7, reset=1.5),
        standing(LimitType.DELEGATION_PAIR, remaining=3, reset=9.0),
        standing(LimitType.DELEGATION_PAIR, remaining=8, retry=2.0),
    )
    assert rate_limit(standings[:3]) == '"customer_tasks";r=999;t=86400, "delegation_pair";r=3;t=9'
    assert rate_limit(standings) == '"customer_tasks";r=999;t=86400, "delegation_pair";r=8;t=2'


def test_numbers_stay_within_what_a_structured_field_holds() -> None:
    assert rate_limit([standing(remaining=10**18)]) == '"customer_tasks";r=999999999999999;t=86400'


def test_an_operation_without_limits_has_no_headers() -> None:
    assert rate_limit_headers(Admission(standings=())) == {}


def test_a_refusal_becomes_the_error_of_the_catalogue() -> None:
    refused = standing(remaining=0, retry=511.002)
    error = exceeded(Admission(standings=(refused,), refused=refused))
    assert (error.code, error.status, error.retry_after_seconds) == ("RATE_LIMIT_EXCEEDED", 429, 511.002)
    assert error.policy == '"customer_tasks";q=1000;w=86400'
    assert "customer_tasks of acme" in error.internal_message
    assert "acme" not in error.user_message


def test_an_admission_is_no_error() -> None:
    with pytest.raises(ValueError, match="nothing was refused"):
        exceeded(Admission(standings=(standing(),)))
