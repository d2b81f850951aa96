"""The gateway's signing keys as this installation keeps them: in the database, followed by every process by itself."""

import time
from dataclasses import fields
from datetime import datetime
from functools import cache

from django.conf import settings
from django.db import connection, transaction

from security.identity import CallIdentity, CallSigner, GatewayKey, KeyRing, RotationSchedule, SecretBox, keep_rotated
from security.models import SigningKey
from security.rows import platform_rows

SCHEDULE = RotationSchedule()
# What tokens name as their issuer where the installation has no public address.
UNNAMED_ISSUER = "a2a-delegation"
_COLUMNS = tuple(field.name for field in fields(GatewayKey))


class DatabaseKeyStore:
    """The ring in the table of signing keys, a row a key (``security.identity.KeyStore``)."""

    @platform_rows()
    def load(self) -> KeyRing:
        return KeyRing(tuple(GatewayKey(**row) for row in SigningKey.objects.order_by("kid").values(*_COLUMNS)))

    @platform_rows()
    def replace(self, *, old: KeyRing, new: KeyRing) -> bool:
        with transaction.atomic():
            _lock_table()
            if set(self.load().keys) != set(old.keys):
                return False
            SigningKey.objects.exclude(kid__in=[key.kid for key in new.keys]).delete()
            for key in set(new.keys) - set(old.keys):
                values = {name: getattr(key, name) for name in _COLUMNS}
                SigningKey.objects.update_or_create(kid=key.kid, defaults=values)
        return True


def _lock_table() -> None:
    # Row locks would not keep two processes from adding a first key each. On SQLite a transaction locks all there is.
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f'LOCK TABLE "{SigningKey._meta.db_table}" IN SHARE ROW EXCLUSIVE MODE')


@cache
def secret_box() -> SecretBox:
    """Return what seals secrets at rest: with the newest of A2A_ENCRYPTION_KEYS, or the SECRET_KEY where there is none.

    What the SECRET_KEY sealed can still be opened when there are encryption keys later.
    """
    return SecretBox(tuple(dict.fromkeys([*settings.A2A_ENCRYPTION_KEYS, settings.SECRET_KEY])))


def published_keys(*, now: datetime) -> dict[str, list[dict[str, str]]]:
    """Return the public keys as a JSON Web Key Set. Makes the first key where there is none."""
    ring = DatabaseKeyStore().load()
    if not ring.keys:
        ring = keep_rotated(DatabaseKeyStore(), box=secret_box(), schedule=SCHEDULE, now=now)
    return ring.jwks(now, SCHEDULE)


class RingSigner:
    """Signs with the ring as it was last read. ``refresh`` reads the database, ``sign`` never does."""

    def __init__(self) -> None:
        self._issuer = settings.A2A_PUBLIC_URL or UNNAMED_ISSUER
        self._ring = KeyRing()
        self._signer = self._signer_of(self._ring)
        self._read_at = float("-inf")

    @property
    def stale(self) -> bool:
        """Whether the ring ought to be read again."""
        return time.monotonic() - self._read_at >= SCHEDULE.reload_seconds

    def refresh(self, now: datetime) -> None:
        """Read the ring, and do to it what is due (the next key, a retired one's end).

        Raises:
            DatabaseError: it cannot be read; what was read before goes on serving.
        """
        ring = keep_rotated(DatabaseKeyStore(), box=secret_box(), schedule=SCHEDULE, now=now)
        if ring != self._ring:
            self._ring, self._signer = ring, self._signer_of(ring)
        self._read_at = time.monotonic()

    def sign(self, call: CallIdentity, *, body: bytes, now: datetime) -> str:
        """Return the token of one sending of the call. Raises as ``CallSigner.sign``."""
        return self._signer.sign(call, body=body, now=now)

    def _signer_of(self, ring: KeyRing) -> CallSigner:
        return CallSigner(
            ring=ring, box=secret_box(), issuer=self._issuer, longest_token_seconds=SCHEDULE.longest_token_seconds
        )
