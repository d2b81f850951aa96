"""The verifier that agents' owners copy refuses whatever the platform did not send to this agent just so."""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from examples.verifier import (
    TOKEN_HEADER,
    TOKEN_TYPE,
    Caller,
    CallRefusedError,
    SeenTokens,
    UnknownKeyError,
    verify,
)
from security import identity
from security.identity import KeyRing
from security.identity.keys import opened_private_key
from tests.examples.signed_calls import (
    BODY,
    BOX,
    ISSUER,
    JWKS,
    KEY,
    ME,
    RING,
    SCHEDULE,
    headers_with,
    key_from,
    now,
    token_of,
)


def checked(token: str, *, body: bytes = BODY, **more: Any) -> Caller:
    return verify(headers_with(token), body, JWKS, ME, **more)


def assert_refused(reason: str, headers: Any, *, body: bytes = BODY, **more: Any) -> None:
    with pytest.raises(CallRefusedError, match=reason):
        verify(headers, body, JWKS, ME, **more)


def forged(header: dict[str, Any], sign: Callable[[bytes], bytes], **changed: Any) -> str:
    """Take a good token's claims, change some, and sign them in a way of one's own."""
    claims = jwt.decode(token_of(), options={"verify_signature": False}) | changed
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    signed = b".".join(parts)
    return (signed + b"." + base64.urlsafe_b64encode(sign(signed)).rstrip(b"=")).decode()


def test_both_sides_agree_on_names() -> None:
    assert (TOKEN_HEADER, TOKEN_TYPE) == (identity.TOKEN_HEADER, identity.TOKEN_TYPE)


def test_a_call_of_the_platform_is_accepted_and_tells_for_whom_it_is() -> None:
    assert checked(token_of(), issuer=ISSUER) == Caller(
        customer_id="acmecorp",
        message_id="message-1",
        delegation_id="hop-1",
        on_behalf_of=("acmecorp/marketing-manager", "acmecorp/content-lead"),
    )
    assert checked(token_of(path=("copywriter",))).on_behalf_of == ()
    assert checked(token_of(body=b""), body=b"").customer_id == "acmecorp"


def test_a_missing_token_is_refused() -> None:
    assert_refused("no token", {"X-Customer-ID": "acmecorp"})
    assert_refused("no token", headers_with(""))
    assert_refused("no token", {"Authorization": f"Bearer {token_of()}", "X-Customer-ID": "acmecorp"})


def test_an_expired_token_is_refused() -> None:
    assert checked(token_of(age_seconds=60 + 30 + 5)).customer_id == "acmecorp"  # the clocks' difference
    assert_refused("expired", headers_with(token_of(age_seconds=60 + 30 + 15)))


def test_a_token_from_the_future_is_refused() -> None:
    assert_refused("not yet valid", headers_with(token_of(age_seconds=-60)))


def test_a_token_for_another_agent_is_refused() -> None:
    assert_refused("[Aa]udience", headers_with(token_of(path=("copywriter", "editor"))))


def test_a_token_for_another_customers_agent_of_the_same_type_is_refused() -> None:
    token = token_of(customer_id="techcorp")

    assert_refused("[Aa]udience", headers_with(token, "techcorp"))
    assert_refused("[Aa]udience", headers_with(token, "acmecorp"))


def test_a_token_of_another_platform_with_the_same_keys_is_refused_where_the_issuer_is_named() -> None:
    assert_refused("[Ii]ssuer", headers_with(token_of(issuer="https://staging.example")), issuer=ISSUER)


@pytest.mark.parametrize("body", [BODY + b" ", BODY[:-1], b"", BODY.replace(b"Send", b"send")])
def test_a_changed_body_is_refused(body: bytes) -> None:
    assert_refused("body", headers_with(token_of()), body=body)


def test_a_token_is_good_once_and_a_refused_call_does_not_use_it_up() -> None:
    token = token_of()

    assert_refused("body", headers_with(token), body=b"other")
    assert checked(token).message_id == "message-1"
    assert_refused("used before", headers_with(token))


def test_a_call_that_the_platform_sends_again_is_accepted_with_the_same_message_id() -> None:
    assert checked(token_of()).message_id == checked(token_of()).message_id


@pytest.mark.parametrize("customer_id", ["techcorp", "AcmeCorp", "acmecorp ", "", "acmecorp, techcorp"])
def test_another_customer_in_the_header_is_refused(customer_id: str) -> None:
    assert_refused("X-Customer-ID", headers_with(token_of(), customer_id))


def test_a_missing_customer_header_is_refused() -> None:
    assert_refused("X-Customer-ID", {"X-Gateway-Token": token_of()})


@pytest.mark.parametrize("name", ["X-Customer-ID", "x-customer-id", "X-Gateway-Token"])
def test_a_header_that_stands_there_twice_is_refused(name: str) -> None:
    token = token_of()
    pairs = [*headers_with(token).items(), (name, token if "Token" in name else "acmecorp")]

    assert_refused("twice", pairs)


def test_alg_none_is_refused() -> None:
    for alg in ("none", "None", "NONE", ""):
        assert_refused(
            "kind|refused", headers_with(forged({"alg": alg, "typ": TOKEN_TYPE, "kid": KEY.kid}, lambda _: b""))
        )


def test_hs256_keyed_with_what_is_public_is_refused() -> None:
    x = KEY.jwk["x"]
    header = {"alg": "HS256", "typ": TOKEN_TYPE, "kid": KEY.kid}
    for public in (x.encode(), base64.urlsafe_b64decode(x + "="), json.dumps(KEY.jwk).encode()):
        token = forged(header, partial(hmac.digest, public, digest="sha256"))
        assert_refused("kind", headers_with(token))


def test_a_signature_by_a_strangers_key_under_our_kid_is_refused() -> None:
    stranger = Ed25519PrivateKey.generate()
    header = {"alg": "EdDSA", "typ": TOKEN_TYPE, "kid": KEY.kid}

    assert_refused("[Ss]ignature", headers_with(forged(header, stranger.sign)))


def test_a_key_that_the_token_brings_along_is_not_used() -> None:
    stranger = Ed25519PrivateKey.generate()
    x = base64.urlsafe_b64encode(stranger.public_key().public_bytes_raw()).rstrip(b"=").decode()
    brought = {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "mine"}
    header = {"alg": "EdDSA", "typ": TOKEN_TYPE, "kid": "mine", "jwk": brought, "jku": "https://evil.example"}

    assert_refused("key is not among", headers_with(forged(header, stranger.sign)))


def test_another_kind_of_token_signed_by_the_right_key_is_refused() -> None:
    key = opened_private_key(KEY, BOX)
    claims = jwt.decode(token_of(), options={"verify_signature": False})

    for typ in ("JWT", "at+jwt"):
        other = jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": KEY.kid, "typ": typ})
        assert_refused("kind", headers_with(other))


@pytest.mark.parametrize("claim", "iss aud sub iat exp jti message_id delegation_id body_sha256".split())
def test_a_token_without_one_of_its_claims_is_refused(claim: str) -> None:
    key = opened_private_key(KEY, BOX)
    claims = jwt.decode(token_of(), options={"verify_signature": False})
    del claims[claim]
    token = jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": KEY.kid, "typ": TOKEN_TYPE})

    assert_refused(claim, headers_with(token))


def test_a_token_for_several_agents_at_once_is_refused() -> None:
    header = {"alg": "EdDSA", "typ": TOKEN_TYPE, "kid": KEY.kid}
    token = forged(header, opened_private_key(KEY, BOX).sign, aud=[ME, "acmecorp/editor"])

    assert_refused("claim format", headers_with(token))


@pytest.mark.parametrize("kid", ["unknown", None, 5, ["a"], {"a": 1}])
def test_an_unknown_kid_is_refused(kid: object) -> None:
    token = forged({"alg": "EdDSA", "typ": TOKEN_TYPE, "kid": kid}, lambda _: b"x" * 64)

    with pytest.raises(CallRefusedError):
        checked(token)


def test_an_unknown_kid_is_told_apart_so_that_the_keys_can_be_fetched_again() -> None:
    stranger = key_from(now() - timedelta(days=1))

    with pytest.raises(UnknownKeyError):
        checked(token_of(ring=KeyRing((stranger,))))


@pytest.mark.parametrize("garbage", ["x", "a.b", "a.b.c", "....", "é.ü.ß", "e30.e30.e30", "A" * 10_000])
def test_garbage_is_refused(garbage: str) -> None:
    assert_refused("refused|kind", headers_with(garbage))


def test_no_character_of_a_token_can_be_changed() -> None:
    token = token_of()
    for position in range(0, len(token) - 1, 7):
        other = "A" if token[position] != "A" else "B"
        with pytest.raises(CallRefusedError):
            checked(token[:position] + other + token[position + 1 :])


def test_tokens_signed_before_and_after_a_rotation_are_both_accepted() -> None:
    following = key_from(now() - timedelta(seconds=1))
    ring = RING.with_key(following)
    before, after = token_of(), token_of(ring=ring)

    jwks = ring.jwks(now(), SCHEDULE)
    kids = {jwt.get_unverified_header(token)["kid"] for token in (before, after)}
    assert kids == {KEY.kid, following.kid}
    for token in (before, after):
        assert verify(headers_with(token), BODY, jwks, ME).customer_id == "acmecorp"


def test_seen_tokens_are_forgotten_once_they_have_expired() -> None:
    seen = SeenTokens()
    for number in range(1000):
        assert seen.first_use(f"t{number}", expires_at=number + 90.0, now=float(number))

    assert not seen.first_use("t999", expires_at=2000.0, now=999.0)
    assert len(seen._seen) == len(seen._by_expiry) <= 92
