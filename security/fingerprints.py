"""The key under which values are known again that nobody must be able to read."""

import hashlib
from functools import cache

from django.conf import settings

from security.identity.derivation import derived_key


def fingerprint_key() -> bytes:
    """Return the installation's key for registered values and fingerprints of findings."""
    return _key(settings.A2A_FINGERPRINT_KEY or settings.SECRET_KEY)


def key_id() -> str:
    """Return what a stored digest is marked with: digests of another key can no longer be compared."""
    return hashlib.blake2b(fingerprint_key(), digest_size=4, person=b"a2a-key-id").hexdigest()


@cache
def _key(secret: str) -> bytes:
    return derived_key(secret, use="leak-fingerprints")
