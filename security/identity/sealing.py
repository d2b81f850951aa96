"""Texts encrypted at rest (AES-256-GCM), each bound to the place it is kept in.

A sealed text is ``s1.<id of the secret>.<nonce and ciphertext, base64url>``. The purpose is authenticated with it, so a
row's text that is copied into another customer's row does not open there.
"""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from security.identity.derivation import checked_secrets, derived_key
from security.identity.errors import SealBroken

_VERSION = "s1"
_NONCE_BYTES = 12


class SecretBox:
    """Seal with the newest secret, open what any of them sealed.

    ``secrets`` come newest first. To rotate: put a new one in front, seal anew what ``is_current`` denies, then drop
    the old one. Raises ValueError where they are unsafe.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        self._ciphers: dict[str, AESGCM] = {}
        for secret in checked_secrets(secrets):
            self._ciphers[_id_of(secret)] = AESGCM(derived_key(secret, use="secret-box/key"))
        self._current = next(iter(self._ciphers))

    def seal(self, plain: str, *, purpose: str) -> str:
        """Return the text encrypted for the purpose, which must be named again to open it."""
        nonce = os.urandom(_NONCE_BYTES)
        prefix = f"{_VERSION}.{self._current}"
        ciphertext = self._ciphers[self._current].encrypt(nonce, plain.encode(), _bound(prefix, purpose))
        return f"{prefix}.{urlsafe_b64encode(nonce + ciphertext).decode()}"

    def unseal(self, sealed: str, *, purpose: str) -> str:
        """Return the plain text.

        Raises:
            SealBroken: it was altered, sealed for another purpose, or by a secret that is not among ours.
        """
        prefix, _, payload = sealed.rpartition(".")
        version, _, secret_id = prefix.partition(".")
        cipher = self._ciphers.get(secret_id)
        if version != _VERSION or cipher is None:
            raise SealBroken(internal=f"no secret opens the text sealed for {purpose}")
        try:
            raw = urlsafe_b64decode(payload)
            return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _bound(prefix, purpose)).decode()
        except (InvalidTag, ValueError) as error:
            raise SealBroken(internal=f"the text sealed for {purpose} was altered or moved") from error

    def is_current(self, sealed: str) -> bool:
        """Tell whether the newest secret sealed it."""
        return sealed.startswith(f"{_VERSION}.{self._current}.")

    def resealed(self, sealed: str, *, purpose: str) -> str:
        """Return the text sealed by the newest secret; unchanged where it is so already.

        Raises:
            SealBroken: it cannot be opened.
        """
        return sealed if self.is_current(sealed) else self.seal(self.unseal(sealed, purpose=purpose), purpose=purpose)


def _id_of(secret: str) -> str:
    return derived_key(secret, use="secret-box/id", length=6).hex()


def _bound(prefix: str, purpose: str) -> bytes:
    return f"{prefix}.{purpose}".encode()
