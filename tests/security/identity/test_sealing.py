"""What is sealed opens again for its purpose, and for nothing and nobody else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.identity import SealBroken, SecretBox
from tests.security.identity.memory_key_store import BOX, NEW_SECRET, OLD_SECRET


@given(plain=st.text(), purpose=st.text())
def test_every_text_opens_again(plain: str, purpose: str) -> None:
    assert BOX.unseal(BOX.seal(plain, purpose=purpose), purpose=purpose) == plain


def test_the_sealed_text_tells_nothing_not_even_that_two_are_the_same() -> None:
    first, second = (BOX.seal("the plain text", purpose="p") for _ in range(2))

    assert first != second
    assert "plain" not in first


def test_it_does_not_open_for_another_purpose() -> None:
    sealed = BOX.seal("text", purpose="agent-credential/techcorp/a1")

    with pytest.raises(SealBroken):
        BOX.unseal(sealed, purpose="agent-credential/acmecorp/a1")


def test_no_character_of_it_can_be_changed() -> None:
    sealed = BOX.seal("text", purpose="p")

    for position, character in enumerate(sealed.rstrip("=")):
        if position == len(sealed.rstrip("=")) - 1 and sealed.endswith("="):
            continue  # Some bits of the last character before the padding stand for nothing.
        changed = sealed[:position] + ("A" if character != "A" else "B") + sealed[position + 1 :]
        with pytest.raises(SealBroken):
            BOX.unseal(changed, purpose="p")


@pytest.mark.parametrize("garbage", ["", ".", "s1.", "s1..", "text", "s1.00.AA", "é.ü.ß", "s2.0.0"])
def test_what_was_never_sealed_does_not_open(garbage: str) -> None:
    with pytest.raises(SealBroken):
        BOX.unseal(garbage, purpose="p")


def test_a_truncated_text_does_not_open() -> None:
    sealed = BOX.seal("text", purpose="p")

    for length in range(len(sealed) - 2):
        with pytest.raises(SealBroken):
            BOX.unseal(sealed[:length], purpose="p")


def test_the_secret_is_rotated_without_a_gap() -> None:
    before = SecretBox([OLD_SECRET])
    during = SecretBox([NEW_SECRET, OLD_SECRET])
    after = SecretBox([NEW_SECRET])
    old = before.seal("text", purpose="p")

    assert during.unseal(old, purpose="p") == "text"
    assert not during.is_current(old)
    new = during.resealed(old, purpose="p")

    assert during.is_current(new)
    assert during.resealed(new, purpose="p") == new
    assert after.unseal(new, purpose="p") == "text"
    with pytest.raises(SealBroken):
        after.unseal(old, purpose="p")
    with pytest.raises(SealBroken):
        before.unseal(new, purpose="p")


@pytest.mark.parametrize("secrets", [[], ["short"], [NEW_SECRET, "short"], [NEW_SECRET, NEW_SECRET], NEW_SECRET])
def test_unsafe_secrets_are_refused_in_words_that_do_not_repeat_them(secrets: list[str]) -> None:
    with pytest.raises(ValueError, match="A2A_ENCRYPTION_KEYS") as refusal:
        SecretBox(secrets)

    assert NEW_SECRET not in str(refusal.value)
    assert "short" not in str(refusal.value).replace("shorter", "")


def test_the_error_tells_nothing_of_the_content() -> None:
    sealed = BOX.seal("hunter2", purpose="p")
    with pytest.raises(SealBroken) as refusal:
        BOX.unseal(sealed, purpose="q")

    assert "hunter2" not in refusal.value.internal_message
    assert sealed not in refusal.value.internal_message
