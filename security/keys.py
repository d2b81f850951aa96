"""API keys: made, recognised and revoked. Shown once; only the hash is kept.

Each request asks for the key's row anew, by one statement on one index, so that a revoked key opens no door of any
process from that moment on. Whom it speaks for is remembered for a moment, as for tokens (members.py).
"""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from security.errors import NotAuthenticated, NotFound, ValidationFailed
from security.members import Member, member_of
from security.models import ApiKey, Membership
from security.principal import Principal
from security.roles import Permission
from security.rows import platform_rows
from security.rows.lookup import Lookup
from security.testimony import on_record

API_KEY_PREFIX = "a2a_"
NAME_LENGTH = 100
# Who looks at a key's last use wants to know whether it is in use, not the second: no write a request.
USE_NOTED_EVERY = timedelta(minutes=1)
_key_of_digest = Lookup(
    ApiKey, "digest", only=("user", "customer", "scopes", "last_used_at", "expires_at", "revoked_at")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key just made. ``raw`` is what its program shows; nobody can read it again."""

    row: ApiKey
    raw: str


@on_record()
def keys_visible(principal: Principal) -> QuerySet[ApiKey]:
    """Return the customer's keys, those that have ended too. Raises AuthFailed."""
    principal.require(Permission.PEOPLE_VIEW)
    return ApiKey.objects.of_customer(principal.customer_id).select_related("user").order_by("-key_id")


@on_record()
def key_create(
    *,
    principal: Principal,
    name: str,
    now: datetime,
    scopes: Collection[str] | None = None,
    expires_at: datetime | None = None,
) -> NewKey:
    """Make a key that speaks for the person who makes it. Without scopes it may all that its maker may.

    Raises:
        AuthFailed: the person may not make keys.
        ValidationFailed: the name is empty, a scope is unknown or more than its maker has, or the end has passed.
    """
    principal.require(Permission.KEY_EDIT)
    narrowed = principal.scopes if scopes is None else frozenset(scopes)
    beyond = sorted((narrowed or frozenset()) - {str(one) for one in principal.permissions})
    if beyond:
        raise ValidationFailed(detail=f"scopes: {', '.join(beyond)[:200]}: unknown, or more than you may yourself.")
    return issue(
        user_id=principal.user_id,
        customer_id=principal.customer_id,
        name=name,
        scopes=narrowed,
        expires_at=expires_at,
        now=now,
    )


def issue(
    *,
    user_id: int,
    customer_id: str,
    name: str,
    now: datetime,
    scopes: Collection[str] | None = None,
    expires_at: datetime | None = None,
) -> NewKey:
    """Save a new key for a member. Raises ValidationFailed; whether the caller may is the caller's to know."""
    if not 0 < len(name.strip()) <= NAME_LENGTH or not name.isprintable():
        raise ValidationFailed(detail=f"name: 1 to {NAME_LENGTH} printable characters.")
    if scopes is not None and not scopes:
        raise ValidationFailed(detail="scopes: name at least one, or leave them out.")
    if expires_at is not None and expires_at <= now:
        raise ValidationFailed(detail="expires_at: it has passed already.")
    if not Membership.objects.filter(user_id=user_id, customer_id=customer_id).exists():
        raise ValidationFailed(detail="user: no member of this customer.")
    raw = API_KEY_PREFIX + secrets.token_urlsafe(32)
    row = ApiKey.objects.create(
        user_id=user_id,
        customer_id=customer_id,
        name=name.strip(),
        prefix=raw[:10],
        digest=digest_of(raw),
        scopes=None if scopes is None else sorted(scopes),
        created_at=now,
        expires_at=expires_at,
    )
    return NewKey(row=row, raw=raw)


def api_key_create(*, user_id: int, customer_id: str, name: str, now: datetime) -> str:
    """Return a new key, shown this once; keys of the same name and person are revoked."""
    same = ApiKey.objects.filter(user_id=user_id, customer_id=customer_id, name=name, revoked_at=None)
    same.update(revoked_at=now)
    return issue(user_id=user_id, customer_id=customer_id, name=name, now=now).raw


@on_record()
def key_revoke(*, principal: Principal, key_id: UUID, now: datetime) -> ApiKey:
    """End the key, in every process at once; one that has ended already stays as it is.

    Raises:
        AuthFailed, NotFound
    """
    principal.require(Permission.KEY_EDIT)
    keys = ApiKey.objects.of_customer(principal.customer_id).select_related("user")
    keys.filter(key_id=key_id, revoked_at=None).update(revoked_at=now)
    key: ApiKey | None = keys.filter(key_id=key_id).first()
    if key is None:
        raise NotFound(internal=f"no API key {key_id}")
    return key


@platform_rows()
def member_of_api_key(raw: str, *, now: datetime) -> Member:
    """Return whom the key speaks for, with the rights that it was made for.

    Raises:
        NotAuthenticated: no such key, or it is revoked, expired, or its person no longer a member.
    """
    key = _key_of_digest.first(digest_of(raw))
    if key is None:
        raise NotAuthenticated(internal="unknown API key")
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        raise NotAuthenticated(internal=f"API key {key.pk} is revoked or expired")
    if key.last_used_at is None or key.last_used_at <= now - USE_NOTED_EVERY:
        _note_use(key, now=now)
    scopes = frozenset(key.scopes) if key.scopes else None
    return member_of(user_id=key.user_id, customer_id=key.customer_id, scopes=scopes)


def principal_of_api_key(raw: str, *, now: datetime) -> Principal:
    """Return whom the key speaks for. Raises NotAuthenticated, as ``member_of_api_key``."""
    return member_of_api_key(raw, now=now).principal


def digest_of(raw: str) -> str:
    """Return the SHA-256 of a key. The key is 256 random bits, so a slow hash would protect nothing more."""
    return hashlib.sha256(raw.encode()).hexdigest()


def _note_use(key: ApiKey, *, now: datetime) -> None:
    # Of many requests at once only the first writes.
    ApiKey.objects.filter(pk=key.pk, last_used_at=key.last_used_at).update(last_used_at=now)
