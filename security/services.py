"""Customers and their members: created, and recognised by what they show."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from security.errors import AuthFailed, NotAuthenticated, ValidationFailed
from security.models import ApiKey, Customer, Membership, Role
from security.principal import Principal

API_KEY_PREFIX = "a2a_"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedCustomer:
    customer_id: str
    username: str
    api_key: str


@transaction.atomic
def customer_create(
    *,
    slug: str,
    name: str,
    owner: str,
    password: str,
    aliases: list[str],
    domains: list[str],
    now: datetime,
) -> CreatedCustomer:
    """Create the customer with its owner, or bring both up to date, and return a fresh API key.

    The earlier keys of this name are revoked. An owner who exists keeps the password that was set.

    Raises:
        ValidationFailed: the slug or the name is not acceptable.
    """
    customer = Customer(id=slug, name=name, aliases=aliases, domains=domains)
    try:
        customer.clean_fields()
    except ValidationError as error:
        raise ValidationFailed(detail="; ".join(error.messages)) from error
    Customer.objects.update_or_create(id=slug, defaults={"name": name, "aliases": aliases, "domains": domains})
    users = get_user_model().objects
    user = users.filter(username=owner).first() or users.create_user(username=owner, password=password)
    Membership.objects.update_or_create(user=user, customer_id=slug, defaults={"role": Role.OWNER})
    key = api_key_create(user_id=user.pk, customer_id=slug, name="created with the customer", now=now)
    return CreatedCustomer(customer_id=slug, username=owner, api_key=key)


def api_key_create(*, user_id: int, customer_id: str, name: str, now: datetime) -> str:
    """Return a new key, shown this once; keys of the same name and person are revoked."""
    raw = API_KEY_PREFIX + secrets.token_urlsafe(32)
    same = ApiKey.objects.filter(user_id=user_id, customer_id=customer_id, name=name, revoked_at=None)
    same.update(revoked_at=now)
    ApiKey.objects.create(
        user_id=user_id, customer_id=customer_id, name=name, prefix=raw[:10], digest=_digest(raw), created_at=now
    )
    return raw


def principal_of_user(user: AbstractBaseUser, customer_id: str | None = None) -> Principal:
    """Return who the person is at the customer named, or at the first that employs them.

    Raises:
        AuthFailed: the person is inactive, or a member of no such active customer.
    """
    memberships = Membership.objects.filter(user_id=user.pk, user__is_active=True, customer__is_active=True)
    if customer_id is not None:
        memberships = memberships.filter(customer_id=customer_id)
    membership = memberships.order_by("id").first()
    if membership is None:
        raise AuthFailed(internal=f"user {user.pk} is no member of {customer_id or 'any customer'}")
    return _principal(membership, username=user.get_username())


def principal_of_api_key(raw: str, *, now: datetime) -> Principal:
    """Return whom the key speaks for.

    Raises:
        NotAuthenticated: no such key, or it is revoked, expired, or its person no longer a member.
    """
    valid = ApiKey.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), digest=_digest(raw), revoked_at=None)
    membership = (
        Membership.objects.select_related("user")
        .filter(user__is_active=True, customer__is_active=True)
        .filter(Exists(valid.filter(user_id=OuterRef("user_id"), customer_id=OuterRef("customer_id"))))
        .first()
    )
    if membership is None:
        raise NotAuthenticated(internal="unknown, revoked or expired API key")
    return _principal(membership, username=membership.user.get_username())


def _principal(membership: Membership, *, username: str) -> Principal:
    return Principal(
        user_id=membership.user_id,
        username=username,
        customer_id=membership.customer_id,
        role=Role(membership.role),
    )


def _digest(raw: str) -> str:
    """Return the SHA-256 of a key. The key is 256 random bits, so a slow hash would protect nothing more."""
    return hashlib.sha256(raw.encode()).hexdigest()
