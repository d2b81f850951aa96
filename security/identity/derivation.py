"""Keys for one use each, from the installation's secrets (HKDF-SHA256, RFC 5869)."""

from collections.abc import Sequence

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_SHORTEST_SECRET = 32


def derived_key(secret: str, *, use: str, length: int = 32) -> bytes:
    """Return ``length`` bytes for the named use; other uses of the secret tell nothing of them."""
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=f"a2a/{use}".encode()).derive(secret.encode())


def checked_secrets(secrets: Sequence[str]) -> tuple[str, ...]:
    """Return the secrets, newest first, as they were given.

    Raises:
        ValueError: there is none, one is shorter than 32 characters, or one stands there twice.
    """
    if isinstance(secrets, str) or not secrets:
        raise ValueError("A2A_ENCRYPTION_KEYS must hold at least one secret, the newest first")
    if any(len(secret) < _SHORTEST_SECRET for secret in secrets):
        raise ValueError(f"each of A2A_ENCRYPTION_KEYS must be at least {_SHORTEST_SECRET} random characters")
    if len(set(secrets)) != len(secrets):
        raise ValueError("A2A_ENCRYPTION_KEYS holds a secret twice")
    return tuple(secrets)
