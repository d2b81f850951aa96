"""Tokens that an agent shows when it pushes the outcome of long work to us.

Nobody but us reads them, so they are a MAC, not a signature: ``c1.<expiry, Unix seconds>.<HMAC-SHA256, base64url>``.
That one is used once is seen to by the hop's state, which a callback moves on.
"""

import hmac
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime

from security.errors import NotAuthenticated
from security.identity.derivation import checked_secrets, derived_key

_VERSION = "c1"
_TOKEN = re.compile(r"c1\.([1-9][0-9]{0,11})\.([A-Za-z0-9_-]{43})", re.ASCII)


class CallbackTokens:
    """Mint with the newest secret, accept those of all of them. Raises ValueError where they are unsafe."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = tuple(derived_key(secret, use="callback-token") for secret in checked_secrets(secrets))

    def mint(self, *, delegation_id: str, customer_id: str, expires_at: datetime) -> str:
        """Return a token for callbacks about this delegation of this customer."""
        expires = int(expires_at.timestamp())
        return f"{_VERSION}.{expires}.{_mac(self._keys[0], delegation_id, customer_id, expires)}"

    def check(self, token: str, *, delegation_id: str, customer_id: str, now: datetime) -> None:
        """Refuse a token that is not for this delegation, in constant time.

        Raises:
            NotAuthenticated: it is malformed, forged, expired, or for another delegation or customer.
        """
        parts = _TOKEN.fullmatch(token)
        if parts is None:
            raise NotAuthenticated(internal="malformed callback token")
        expires = int(parts[1])
        known = [hmac.compare_digest(parts[2], _mac(key, delegation_id, customer_id, expires)) for key in self._keys]
        if not any(known):
            raise NotAuthenticated(internal=f"callback token is not for delegation {delegation_id}")
        if now.timestamp() >= expires:
            raise NotAuthenticated(internal=f"callback token for delegation {delegation_id} has expired")


def _mac(key: bytes, delegation_id: str, customer_id: str, expires: int) -> str:
    # JSON keeps the parts apart, whatever characters they hold.
    content = json.dumps([_VERSION, delegation_id, customer_id, expires]).encode()
    return urlsafe_b64encode(hmac.digest(key, content, "sha256")).rstrip(b"=").decode()
