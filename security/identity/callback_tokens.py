"""Tokens that an agent shows when it pushes the outcome of long work to us.

Nobody but us reads them, so they are a MAC, not a signature: ``c1.<expiry, Unix seconds>.<customer and agent type,
base64url>.<HMAC-SHA256, base64url>``. Whose they are stands in them, so that no row is read for a token that is not
ours. What is told once is seen to where the notification is taken.
"""

import hmac
import json
import math
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from security.errors import NotAuthenticated
from security.identity.derivation import checked_secrets, derived_key

_VERSION = "c1"
_TOKEN = re.compile(r"c1\.([1-9][0-9]{0,11})\.([A-Za-z0-9_-]{1,600})\.([A-Za-z0-9_-]{43})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """Who may push about one delegation: the agent of this type at this customer."""

    delegation_id: str
    customer_id: str
    agent_type: str


class CallbackTokens:
    """Mint with the newest secret, accept those of all of them. Raises ValueError where they are unsafe."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = tuple(derived_key(secret, use="callback-token") for secret in checked_secrets(secrets))

    def mint(self, callback: Callback, *, expires_at: datetime) -> str:
        """Return a token that is good until the moment given, or a fraction of a second longer."""
        expires = str(math.ceil(expires_at.timestamp()))
        owner = _encoded(json.dumps([callback.customer_id, callback.agent_type]).encode())
        return f"{_VERSION}.{expires}.{owner}.{_mac(self._keys[0], callback.delegation_id, expires, owner)}"

    def check(self, token: str, *, delegation_id: str, now: datetime) -> Callback:
        """Return whose token it is, compared in constant time.

        Raises:
            NotAuthenticated: it is malformed, forged, expired, or for another delegation.
        """
        parts = _TOKEN.fullmatch(token)
        if parts is None:
            raise NotAuthenticated(internal="malformed callback token")
        expires, owner, shown = parts.groups()
        known = [hmac.compare_digest(shown, _mac(key, delegation_id, expires, owner)) for key in self._keys]
        if not any(known):
            raise NotAuthenticated(internal="callback token is not for this delegation")
        if now.timestamp() >= int(expires):
            raise NotAuthenticated(internal="callback token has expired")
        customer_id, agent_type = json.loads(urlsafe_b64decode(owner + "=" * (-len(owner) % 4)))
        return Callback(delegation_id=delegation_id, customer_id=customer_id, agent_type=agent_type)


def _mac(key: bytes, delegation_id: str, expires: str, owner: str) -> str:
    # JSON keeps the parts apart, whatever characters they hold.
    content = json.dumps([_VERSION, delegation_id, expires, owner]).encode()
    return _encoded(hmac.digest(key, content, "sha256"))


def _encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
