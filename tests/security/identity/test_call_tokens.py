"""What the token of a call says."""

from datetime import timedelta
from hashlib import sha256
from typing import Any

import jwt
import pytest

from security.errors import PlatformError
from security.identity import TOKEN_TYPE, CallIdentity, CallSigner, KeyRing
from security.identity.keys import new_key
from tests.security.identity.memory_key_store import BOX, DAY, NOW

KEY = new_key(now=NOW, active_from=NOW - DAY, box=BOX)
RING = KeyRing((KEY,))
SIGNER = CallSigner(ring=RING, box=BOX, issuer="https://platform.example", longest_token_seconds=660)
BODY = b'{"jsonrpc": "2.0"}'


def call(**more: Any) -> CallIdentity:
    fields: dict[str, Any] = {
        "customer_id": "techcorp",
        "path": ("marketing-manager", "content-lead", "copywriter"),
        "agent_ve_id": "copywriter-1a2b3c4d",
        "message_id": "message-1",
        "delegation_id": "hop-1",
        "timeout_seconds": 30.0,
    }
    return CallIdentity(**fields | more)


def claims_of(token: str) -> dict[str, Any]:
    key = jwt.PyJWK.from_dict(KEY.jwk)
    return jwt.decode(token, key, algorithms=["EdDSA"], options={"verify_aud": False, "verify_exp": False})


def test_it_binds_customer_agent_message_body_and_path() -> None:
    token = SIGNER.sign(call(), body=BODY, now=NOW)
    claims = claims_of(token)
    token_id = claims.pop("jti")

    assert jwt.get_unverified_header(token) == {"alg": "EdDSA", "typ": TOKEN_TYPE, "kid": KEY.kid}
    assert len(token_id) >= 20
    assert claims == {
        "iss": "https://platform.example",
        "aud": "techcorp/copywriter",
        "sub": "techcorp",
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 60 + 30,
        "message_id": "message-1",
        "delegation_id": "hop-1",
        "agent_ve_id": "copywriter-1a2b3c4d",
        "body_sha256": sha256(BODY).hexdigest(),
        "act": {"sub": "techcorp/content-lead", "act": {"sub": "techcorp/marketing-manager"}},
    }


def test_the_root_agent_acts_for_nobody_but_the_customer() -> None:
    claims = claims_of(SIGNER.sign(call(path=("marketing-manager",)), body=BODY, now=NOW))

    assert claims["aud"] == "techcorp/marketing-manager"
    assert "act" not in claims


def test_the_same_call_sent_again_has_another_token_and_the_same_message() -> None:
    first, second = (claims_of(SIGNER.sign(call(), body=BODY, now=NOW)) for _ in range(2))

    assert first["jti"] != second["jti"]
    assert first["message_id"] == second["message_id"]


def test_no_token_outlives_its_keys_publication_however_long_the_call_may_take() -> None:
    claims = claims_of(SIGNER.sign(call(timeout_seconds=86400), body=BODY, now=NOW))

    assert claims["exp"] - claims["iat"] == 660


def test_it_signs_with_the_key_whose_turn_it_is() -> None:
    following = new_key(now=NOW, active_from=NOW + DAY, box=BOX)
    signer = CallSigner(ring=RING.with_key(following), box=BOX, issuer="i", longest_token_seconds=660)

    def kid(days: int) -> str:
        token = signer.sign(call(), body=b"", now=NOW + timedelta(days=days))
        return str(jwt.get_unverified_header(token)["kid"])

    assert [kid(0), kid(1), kid(0)] == [KEY.kid, following.kid, KEY.kid]


def test_without_a_key_nothing_is_signed() -> None:
    signer = CallSigner(ring=KeyRing(), box=BOX, issuer="i", longest_token_seconds=660)

    with pytest.raises(PlatformError):
        signer.sign(call(), body=b"", now=NOW)
