"""The token that goes with each call of an agent: who calls, for whom, along which path, with which body.

It follows RFC 7519 (JWT), RFC 8037 (EdDSA) and RFC 8693 (`act`): the outermost actor is the agent that delegated, the
innermost the person who gave the task. `examples/verifier.py` is the other side.
"""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from itertools import count
from typing import Any, NamedTuple

import orjson
from nacl.signing import SigningKey

from security.identity.errors import SealBroken
from security.identity.keys import GatewayKey, KeyRing, opened_private_key
from security.identity.sealing import SecretBox

TOKEN_HEADER = "x-gateway-token"  # noqa: S105  a header's name
TOKEN_TYPE = "a2a-call+jwt"  # noqa: S105  told apart from every other JWT (RFC 8725, 3.11)
_ON_THE_WAY_SECONDS = 60
_TOKEN_ID_BYTES = 16


class CallIdentity(NamedTuple):
    """One call of one agent. ``path`` holds agent types from the root to the called agent itself.

    ``person`` is the id of who gave the task, unique at the customer; empty where a program of ours did.
    """

    customer_id: str
    path: tuple[str, ...]
    agent_ve_id: str
    message_id: str
    delegation_id: str
    timeout_seconds: float
    person: str = ""


class CallSigner:
    """Sign calls with the ring's active key. Opens each private key once; make a new one when the ring is read anew.

    A key that none of our secrets opens signs nothing: its predecessor does for as long as it is published.
    """

    def __init__(self, *, ring: KeyRing, box: SecretBox, issuer: str, longest_token_seconds: float) -> None:
        opened = {key: private for key in ring.keys if (private := _opened(key, box)) is not None}
        self._ring = KeyRing(tuple(opened))
        self._ready = {key.kid: (_header(key), private) for key, private in opened.items()}
        self._issuer = issuer
        self._longest_token_seconds = longest_token_seconds
        # Tokens are told apart, not kept secret, by their ids: a random name for each signer, and a number.
        self._name = secrets.token_urlsafe(_TOKEN_ID_BYTES)
        self._numbers = count()

    def sign(self, call: CallIdentity, *, body: bytes, now: datetime) -> str:
        """Return the token for exactly this body.

        Each token can be used once: a call that is sent again needs a new one, with the same ``message_id``. It expires
        60 s after the call's own time limit, or after ``longest_token_seconds`` where that is sooner.

        Raises:
            PlatformError: there is no active key that can be opened.
        """
        header, private = self._ready[self._ring.active(now).kid]
        content = header + b"." + _base64(orjson.dumps(self._claims(call, body, int(now.timestamp()))))
        return (content + b"." + _base64(private.sign(content).signature)).decode("ascii")

    def _claims(self, call: CallIdentity, body: bytes, issued_at: int) -> dict[str, Any]:
        lifetime = min(_ON_THE_WAY_SECONDS + call.timeout_seconds, self._longest_token_seconds)
        return {
            "iss": self._issuer,
            "iat": issued_at,
            "exp": issued_at + int(lifetime),
            "jti": f"{self._name}.{next(self._numbers)}",
            "message_id": call.message_id,
            "delegation_id": call.delegation_id,
            "body_sha256": sha256(body).hexdigest(),
            **_parties(call.customer_id, call.path, call.agent_ve_id, call.person),
        }


@lru_cache(maxsize=4096)
def _parties(customer_id: str, path: tuple[str, ...], agent_ve_id: str, person: str) -> dict[str, Any]:
    """Return the claims of who calls whom for whom: the same for every task that takes this path."""
    *delegators, agent_type = path
    parties: dict[str, Any] = {
        "aud": _name(customer_id, agent_type),
        "sub": customer_id,
        "agent_ve_id": agent_ve_id,
    }
    people = [_name(customer_id, f"people/{person}")] if person else []
    actor = _actor([*people, *(_name(customer_id, delegator) for delegator in delegators)])
    return parties | {"act": actor} if actor else parties


def _opened(key: GatewayKey, box: SecretBox) -> SigningKey | None:
    try:
        return SigningKey(opened_private_key(key, box).private_bytes_raw())
    except SealBroken:
        return None


def _header(key: GatewayKey) -> bytes:
    return _base64(orjson.dumps({"alg": "EdDSA", "kid": key.kid, "typ": TOKEN_TYPE}))


def _base64(content: bytes) -> bytes:
    return urlsafe_b64encode(content).rstrip(b"=")


def _name(customer_id: str, agent_type: str) -> str:
    # Two customers may each have a copywriter: only with its customer is an agent's type a name.
    return f"{customer_id}/{agent_type}"


def _actor(names: Sequence[str]) -> dict[str, Any]:
    actor: dict[str, Any] = {}
    for name in names:
        actor = {"sub": name, "act": actor} if actor else {"sub": name}
    return actor
