"""A callback token is good for one delegation to one agent of one customer, until it expires."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.errors import NotAuthenticated
from security.identity import Callback, CallbackTokens
from tests.security.identity.memory_key_store import NEW_SECRET, NOW, OLD_SECRET

TOKENS = CallbackTokens([NEW_SECRET, OLD_SECRET])
CALLBACK = Callback(delegation_id="hop-1", customer_id="techcorp", agent_type="copywriter")
TOKEN = TOKENS.mint(CALLBACK, expires_at=NOW + timedelta(hours=1))


def check(token: str, *, delegation_id: str = "hop-1", seconds: float = 0) -> Callback:
    return TOKENS.check(token, delegation_id=delegation_id, now=NOW + timedelta(seconds=seconds))


def test_it_is_good_until_it_expires() -> None:
    assert check(TOKEN) == CALLBACK
    check(TOKEN, seconds=3599)
    with pytest.raises(NotAuthenticated):
        check(TOKEN, seconds=3600)


def test_it_does_not_expire_before_its_time() -> None:
    token = TOKENS.mint(CALLBACK, expires_at=NOW + timedelta(seconds=0.9))

    assert check(token, seconds=0.89) == CALLBACK


def test_it_is_refused_for_another_delegation() -> None:
    with pytest.raises(NotAuthenticated):
        check(TOKEN, delegation_id="hop-2")


def test_it_cannot_be_made_to_name_another_customer_or_agent() -> None:
    for other in (replace(CALLBACK, customer_id="acmecorp"), replace(CALLBACK, agent_type="editor")):
        version, expires, owner, _ = TOKENS.mint(other, expires_at=NOW + timedelta(hours=1)).split(".")
        mac = TOKEN.rpartition(".")[2]
        with pytest.raises(NotAuthenticated):
            check(f"{version}.{expires}.{owner}.{mac}")


def test_its_parts_cannot_be_shifted_into_each_other() -> None:
    shifted = Callback(delegation_id="hop-1t", customer_id="echcorp", agent_type="copywriter")
    token = TOKENS.mint(shifted, expires_at=NOW + timedelta(hours=1))

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
    old = CallbackTokens([OLD_SECRET]).mint(CALLBACK, expires_at=NOW + timedelta(hours=1))

    check(old)
    with pytest.raises(NotAuthenticated):
        CallbackTokens([NEW_SECRET]).check(old, delegation_id="hop-1", now=NOW)


def test_the_refusal_does_not_repeat_the_token() -> None:
    with pytest.raises(NotAuthenticated) as refusal:
        check(TOKEN, delegation_id="hop-2")

    assert TOKEN not in refusal.value.internal_message
