"""Calls signed as the gateway signs them, for the tests of the verifier."""

from datetime import UTC, datetime, timedelta
from typing import Any

from security.identity import CallIdentity, CallSigner, GatewayKey, KeyRing, RotationSchedule, SecretBox
from security.identity.keys import new_key

ISSUER = "https://platform.example"
ME = "acmecorp/copywriter"
BODY = b'{"jsonrpc": "2.0", "method": "SendMessage"}'
BOX = SecretBox(["a-secret-of-the-tests-0123456789-abcdef"])
SCHEDULE = RotationSchedule()


def key_from(active_from: datetime) -> GatewayKey:
    return new_key(now=active_from, active_from=active_from, box=BOX)


def now() -> datetime:
    return datetime.now(UTC)


KEY = key_from(now() - timedelta(days=1))
RING = KeyRing((KEY,))
JWKS = RING.jwks(now(), SCHEDULE)


def token_of(
    *, body: bytes = BODY, ring: KeyRing = RING, age_seconds: float = 0, issuer: str = ISSUER, **more: Any
) -> str:
    fields: dict[str, Any] = {
        "customer_id": "acmecorp",
        "path": ("marketing-manager", "content-lead", "copywriter"),
        "agent_ve_id": "copywriter-1a2b3c4d",
        "message_id": "message-1",
        "delegation_id": "hop-1",
        "timeout_seconds": 30.0,
    }
    signer = CallSigner(ring=ring, box=BOX, issuer=issuer, longest_token_seconds=660)
    return signer.sign(CallIdentity(**fields | more), body=body, now=now() - timedelta(seconds=age_seconds))


def headers_with(token: str, customer_id: str = "acmecorp") -> dict[str, str]:
    return {"X-Gateway-Token": token, "X-Customer-ID": customer_id}
