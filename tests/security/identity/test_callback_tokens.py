"""A callback token is good for one delegation of one customer, until it expires."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.errors import NotAuthenticated
from security.identity import CallbackTokens
from tests.security.identity.memory_key_store import NEW_SECRET, NOW, OLD_SECRET

TOKENS = CallbackTokens([NEW_SECRET, OLD_SECRET])
TOKEN = TOKENS.mint(delegation_id="hop-1", customer_id="techcorp", expires_at=NOW + timedelta(hours=1))


def check(token: str, *, delegation_id: str = "hop-1", customer_id: str = "techcorp", seconds: float = 0) -> None:
    now = NOW + timedelta(seconds=seconds)
    TOKENS.check(token, delegation_id=delegation_id, customer_id=customer_id, now=now)


def test_it_is_good_until_it_expires() -> None:
    check(TOKEN)
    check(TOKEN, seconds=3599)
    with pytest.raises(NotAuthenticated):
        check(TOKEN, seconds=3600)


def test_it_is_refused_for_another_delegation_and_for_another_customer() -> None:
    with pytest.raises(NotAuthenticated):
        check(TOKEN, delegation_id="hop-2")
    with pytest.raises(NotAuthenticated):
        check(TOKEN, customer_id="acmecorp")


def test_its_parts_cannot_be_shifted_into_each_other() -> None:
    token = TOKENS.mint(delegation_id="hop-1t", customer_id="echcorp", expires_at=NOW + timedelta(hours=1))

    with pytest.raises(NotAuthenticated):
        check(token)


def test_no_character_of_it_can_be_changed() -> None:
    for position, character in enumerate(TOKEN):
        for other in "A1._":
            if other != character:
                with pytest.raises(NotAuthenticated):
                    check(TOKEN[:position] + other + TOKEN[position + 1 :])


@given(st.text(max_size=80))
def test_whatever_is_sent_is_refused_and_nothing_breaks(token: str) -> None:
    with pytest.raises(NotAuthenticated):
        check(token)


@pytest.mark.parametrize("changed", [TOKEN + "\n", " " + TOKEN, TOKEN.upper(), TOKEN[:-1], TOKEN + "A", "", "c1.1."])
def test_it_is_taken_literally(changed: str) -> None:
    with pytest.raises(NotAuthenticated):
        check(changed)


def test_tokens_of_the_old_secret_are_good_while_it_is_listed() -> None:
    expires_at = NOW + timedelta(hours=1)
    old = CallbackTokens([OLD_SECRET]).mint(delegation_id="hop-1", customer_id="techcorp", expires_at=expires_at)

    check(old)
    with pytest.raises(NotAuthenticated):
        CallbackTokens([NEW_SECRET]).check(old, delegation_id="hop-1", customer_id="techcorp", now=NOW)


def test_the_refusal_does_not_repeat_the_token() -> None:
    with pytest.raises(NotAuthenticated) as refusal:
        check(TOKEN, delegation_id="hop-2")

    assert TOKEN not in refusal.value.internal_message
