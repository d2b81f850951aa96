"""The gateway's signing keys: which one signs now, which ones agents must know, when the next is due.

A key's state follows from the ring and the time alone, so all processes that have read the same ring change keys at the
same moment, with nobody to tell them.
"""

from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from security.errors import PlatformError
from security.identity.errors import SealBroken
from security.identity.sealing import SecretBox

# How far agents' clocks may be behind ours.
_CLOCK_SECONDS = 60


class KeyState(StrEnum):
    """Next: published, not used yet. Active: signs. Retired: published until the last token it signed has expired."""

    NEXT = "next"
    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationSchedule:
    """How keys follow each other, in seconds.

    A key signs for ``active_seconds`` and is published ``announce_seconds`` before. Processes read the ring anew every
    ``reload_seconds``, agents the published keys every ``cache_seconds``; no token lives longer than
    ``longest_token_seconds``. Raises ValueError where a key would sign that somebody cannot know yet.
    """

    active_seconds: float = 30 * 86400
    announce_seconds: float = 86400
    cache_seconds: float = 300
    reload_seconds: float = 60
    longest_token_seconds: float = 660

    def __post_init__(self) -> None:
        if self.announced < self.shortest_announcement:
            raise ValueError("announce_seconds must be at least cache_seconds and twice reload_seconds")
        if self.active_seconds <= self.announce_seconds:
            raise ValueError("active_seconds must be longer than announce_seconds")

    @property
    def announced(self) -> timedelta:
        return timedelta(seconds=self.announce_seconds)

    @property
    def shortest_announcement(self) -> timedelta:
        # The process that publishes and the one that signs may each be a whole reload behind.
        return timedelta(seconds=self.cache_seconds + 2 * self.reload_seconds)

    @property
    def kept_after_use(self) -> timedelta:
        return timedelta(seconds=self.longest_token_seconds + self.reload_seconds + _CLOCK_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayKey:
    """An Ed25519 key. ``kid`` is its thumbprint (RFC 7638), ``public_key`` the 32 raw bytes in base64url.

    ``sealed_private_key`` holds the 32 raw bytes in hex, sealed for this ``kid``.
    """

    kid: str
    public_key: str
    sealed_private_key: str
    created_at: datetime
    active_from: datetime

    @property
    def jwk(self) -> dict[str, str]:
        """Return the public half as a JSON Web Key (RFC 8037)."""
        return {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": self.public_key,
            "kid": self.kid,
            "use": "sig",
            "alg": "EdDSA",
        }


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys there are, in no particular order."""

    keys: tuple[GatewayKey, ...] = ()

    def active(self, now: datetime) -> GatewayKey:
        """Return the key that signs.

        Raises:
            PlatformError: none may sign yet.
        """
        started = [key for key in self.keys if key.active_from <= now]
        if not started:
            raise PlatformError(internal="the gateway has no active signing key")
        return max(started, key=_turn)

    def state(self, key: GatewayKey, now: datetime) -> KeyState:
        """Return the state of a key of this ring."""
        if key.active_from > now:
            return KeyState.NEXT
        return KeyState.ACTIVE if key == self.active(now) else KeyState.RETIRED

    def published(self, now: datetime, schedule: RotationSchedule) -> tuple[GatewayKey, ...]:
        """Return the keys that agents must know, the newest first."""
        kept = [key for key in self.keys if not self._forgotten(key, now, schedule)]
        return tuple(sorted(kept, key=_turn, reverse=True))

    def jwks(self, now: datetime, schedule: RotationSchedule) -> dict[str, list[dict[str, str]]]:
        """Return the published keys as a JSON Web Key Set (RFC 7517); it may be cached for ``cache_seconds``."""
        return {"keys": [key.jwk for key in self.published(now, schedule)]}

    def next_turn(self, now: datetime, schedule: RotationSchedule) -> datetime | None:
        """Return when a key that must be added now is to become active; None while none is due."""
        if not any(key.active_from <= now for key in self.keys):
            return now
        last = max(key.active_from for key in self.keys) + timedelta(seconds=schedule.active_seconds)
        return max(last, now + schedule.announced) if now >= last - schedule.announced else None

    def tidied(self, now: datetime, schedule: RotationSchedule, box: SecretBox) -> "KeyRing":
        """Return the ring without what nobody needs any more, every private key sealed by the newest secret.

        A private key that cannot be opened stays as it is: its secret may come back, and its public half is needed.
        """
        kept = [key for key in self.keys if not self._forgotten(key, now, schedule)]
        return KeyRing(tuple(_resealed(key, box) for key in kept))

    def opened_by(self, box: SecretBox) -> "KeyRing":
        """Return the ring of those keys that can sign here, because one of the box's secrets opens them."""
        return KeyRing(tuple(key for key in self.keys if _opens(key, box)))

    def with_key(self, key: GatewayKey) -> "KeyRing":
        """Return the ring with one more key."""
        return KeyRing((*self.keys, key))

    def without(self, kid: str) -> "KeyRing":
        """Return the ring without a key, whose tokens are refused from then on."""
        return KeyRing(tuple(key for key in self.keys if key.kid != kid))

    def _forgotten(self, key: GatewayKey, now: datetime, schedule: RotationSchedule) -> bool:
        later = [other.active_from for other in self.keys if _turn(other) > _turn(key)]
        return bool(later) and min(later) + schedule.kept_after_use <= now


def new_key(*, now: datetime, active_from: datetime, box: SecretBox) -> GatewayKey:
    """Draw a key that becomes active at a moment."""
    private = Ed25519PrivateKey.generate()
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    public_key = urlsafe_b64encode(raw).rstrip(b"=").decode()
    kid = _thumbprint(public_key)
    return GatewayKey(
        kid=kid,
        public_key=public_key,
        sealed_private_key=box.seal(private.private_bytes_raw().hex(), purpose=_purpose(kid)),
        created_at=now,
        active_from=active_from,
    )


def opened_private_key(key: GatewayKey, box: SecretBox) -> Ed25519PrivateKey:
    """Return the private key.

    Raises:
        SealBroken: it cannot be opened.
    """
    plain = box.unseal(key.sealed_private_key, purpose=_purpose(key.kid))
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(plain))


def _resealed(key: GatewayKey, box: SecretBox) -> GatewayKey:
    if not _opens(key, box):
        return key
    return replace(key, sealed_private_key=box.resealed(key.sealed_private_key, purpose=_purpose(key.kid)))


def _opens(key: GatewayKey, box: SecretBox) -> bool:
    try:
        box.unseal(key.sealed_private_key, purpose=_purpose(key.kid))
    except SealBroken:
        return False
    return True


def _purpose(kid: str) -> str:
    return f"gateway-key/{kid}"


def _turn(key: GatewayKey) -> tuple[datetime, str]:
    # Two keys of the same moment need an order that all processes agree on.
    return key.active_from, key.kid


def _thumbprint(public_key: str) -> str:
    members = f'{{"crv":"Ed25519","kty":"OKP","x":"{public_key}"}}'
    return urlsafe_b64encode(sha256(members.encode()).digest()).rstrip(b"=").decode()
