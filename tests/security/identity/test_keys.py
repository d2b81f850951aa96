"""Which key signs, and which ones agents are told of, at each moment of a rotation."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.errors import PlatformError
from security.identity import GatewayKey, KeyRing, KeyState, RotationSchedule, SealBroken, SecretBox
from security.identity.keys import _thumbprint, new_key, opened_private_key
from tests.security.identity.memory_key_store import BOX, DAY, NEW_SECRET, NOW, OLD_SECRET, SCHEDULE


def key_from(active_from: datetime) -> GatewayKey:
    return new_key(now=NOW, active_from=active_from, box=BOX)


FIRST, SECOND, THIRD = (key_from(NOW + days * 30 * DAY) for days in range(3))


def test_the_state_follows_from_the_time_alone() -> None:
    ring = KeyRing((SECOND, FIRST))

    assert (ring.state(FIRST, NOW), ring.state(SECOND, NOW)) == (KeyState.ACTIVE, KeyState.NEXT)
    assert ring.active(NOW) == FIRST
    later = NOW + 30 * DAY
    assert (ring.state(FIRST, later), ring.state(SECOND, later)) == (KeyState.RETIRED, KeyState.ACTIVE)
    assert ring.active(later) == SECOND


def test_an_empty_ring_has_no_active_key() -> None:
    with pytest.raises(PlatformError):
        KeyRing().active(NOW)
    with pytest.raises(PlatformError):
        KeyRing((SECOND,)).active(NOW)


def test_a_retired_key_is_published_until_its_last_token_has_expired() -> None:
    ring = KeyRing((FIRST, SECOND))
    retired_at = SECOND.active_from
    # The last process to notice signs 60 s later, for 660 s; the agent's clock may be 60 s behind.
    last_moment = retired_at + timedelta(seconds=660 + 60 + 60)

    assert ring.published(last_moment - timedelta(seconds=1), SCHEDULE) == (SECOND, FIRST)
    assert ring.published(last_moment, SCHEDULE) == (SECOND,)
    assert ring.tidied(last_moment, SCHEDULE, BOX) == KeyRing((SECOND,))


def test_the_next_key_is_due_a_day_before_it_is_needed_and_not_sooner() -> None:
    ring = KeyRing((FIRST,))
    announced_at = NOW + 29 * DAY

    assert ring.next_turn(announced_at - timedelta(seconds=1), SCHEDULE) is None
    assert ring.next_turn(announced_at, SCHEDULE) == NOW + 30 * DAY
    assert ring.with_key(SECOND).next_turn(announced_at, SCHEDULE) is None


def test_after_a_long_sleep_the_next_key_is_still_announced_before_it_signs() -> None:
    a_year_later = NOW + 365 * DAY

    assert KeyRing((FIRST,)).next_turn(a_year_later, SCHEDULE) == a_year_later + DAY
    assert KeyRing((FIRST,)).active(a_year_later) == FIRST


def test_the_first_key_is_due_at_once() -> None:
    assert KeyRing().next_turn(NOW, SCHEDULE) == NOW


def test_the_published_keys_hold_no_private_part() -> None:
    jwks = KeyRing((FIRST, SECOND)).jwks(NOW, SCHEDULE)

    assert [key["kid"] for key in jwks["keys"]] == [SECOND.kid, FIRST.kid]
    assert all(set(key) == {"kty", "crv", "x", "kid", "use", "alg"} for key in jwks["keys"])


def test_the_kid_is_the_thumbprint_of_the_standard() -> None:
    # RFC 8037, appendix A.3.
    assert _thumbprint("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo") == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_private_key_opens_with_the_right_secret_alone() -> None:
    assert opened_private_key(FIRST, BOX).public_key().public_bytes_raw().hex() not in FIRST.sealed_private_key
    with pytest.raises(SealBroken):
        opened_private_key(FIRST, SecretBox(["another-installation's-secret-0123456789"]))


def test_tidying_seals_private_keys_with_the_newest_secret() -> None:
    old = new_key(now=NOW, active_from=NOW, box=SecretBox([OLD_SECRET]))

    (tidied,) = KeyRing((old,)).tidied(NOW, SCHEDULE, BOX).keys

    assert tidied.kid == old.kid
    private = opened_private_key(tidied, SecretBox([NEW_SECRET]))
    assert private.private_bytes_raw() == opened_private_key(old, BOX).private_bytes_raw()


@pytest.mark.parametrize(
    "unsafe", [{"announce_seconds": 419}, {"cache_seconds": 90_000}, {"active_seconds": 86400}, {"reload_seconds": 1e5}]
)
def test_a_schedule_that_would_leave_a_gap_is_refused(unsafe: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        RotationSchedule(**unsafe)


@given(hours=st.lists(st.integers(0, 24 * 40), min_size=1, max_size=60).map(sorted))
def test_whenever_processes_look_no_token_is_ever_signed_by_an_unpublished_key(hours: list[int]) -> None:
    """Follow a ring through irregular visits: what signs was published long enough, and stays so for its tokens."""
    schedule = RotationSchedule(active_seconds=7 * 86400, announce_seconds=86400)
    ring = KeyRing()
    for hour in hours:
        now = NOW + timedelta(hours=hour)
        ring = ring.tidied(now, schedule, BOX)
        turn = ring.next_turn(now, schedule)
        if turn is not None:
            ring = ring.with_key(new_key(now=now, active_from=turn, box=BOX))
        active = ring.active(now)
        assert active in ring.published(now, schedule)
        assert active in ring.published(now + timedelta(seconds=660), schedule)
        is_first = active.created_at == NOW + timedelta(hours=hours[0])
        assert is_first or active.active_from - active.created_at >= DAY
        assert len(ring.keys) <= 3
