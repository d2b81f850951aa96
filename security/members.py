"""People at their customers: who is a member, in which role, as of a moment ago."""

import time
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Exists, QuerySet

from security.errors import AuthFailed, NotAuthenticated
from security.models import Customer, Login, Membership, PlatformAuditor, Role
from security.principal import Principal
from security.rows import platform_rows
from security.switches import is_switched_off

# Who is dismissed keeps access for at most this long; in return, most requests need no query to know their caller.
MEMBERSHIP_REMEMBERED_SECONDS = 1.0
_REMEMBERED_AT_MOST = 10_000

TOKEN_REFUSED = "The token is invalid or has expired."  # noqa: S105  a message


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person at the customer they act for."""

    user: AbstractBaseUser
    principal: Principal


_Asked = tuple[int, str, UUID | None, frozenset[str] | None]
_remembered: dict[_Asked, tuple[float, Member]] = {}


def forget_members() -> None:
    """Look every membership up again."""
    _remembered.clear()


def member_of(
    *, user_id: int, customer_id: str, login_id: UUID | None = None, scopes: frozenset[str] | None = None
) -> Member:
    """Return the person at the customer, as of at most a second ago.

    ``login_id`` is the login whose token was shown, ``scopes`` those of the API key.

    Raises:
        NotAuthenticated: no such person, or no (longer an) active member there, or the login has ended.
    """
    if is_switched_off(customer_id):
        raise NotAuthenticated(internal=f"{customer_id} is switched off", detail=TOKEN_REFUSED)
    asked = (user_id, customer_id, login_id, scopes)
    found = _remembered.get(asked)
    if found is not None and time.monotonic() - found[0] < MEMBERSHIP_REMEMBERED_SECONDS:
        return found[1]
    member = member_now(user_id=user_id, customer_id=customer_id, login_id=login_id, scopes=scopes)
    if len(_remembered) >= _REMEMBERED_AT_MOST:
        _remembered.clear()
    _remembered[asked] = (time.monotonic(), member)
    return member


@platform_rows()
def member_now(
    *, user_id: int, customer_id: str, login_id: UUID | None = None, scopes: frozenset[str] | None = None
) -> Member:
    """Return what ``member_of`` does, as it is at this moment."""
    membership = Membership.objects.active().filter(user_id=user_id, customer_id=customer_id)
    own = membership.select_related("user").first()
    audits = None if own else _auditor_at(customer_id).filter(user_id=user_id).select_related("user").first()
    known = own or audits
    if known is None:
        refusal = f"user {user_id} is gone, inactive or no member of {customer_id}"
        raise NotAuthenticated(internal=refusal, detail=TOKEN_REFUSED)
    user = known.user
    if login_id is not None and not login_stands(login_id, user=user, customer_id=customer_id):
        raise NotAuthenticated(internal=f"login {login_id} has ended", detail=TOKEN_REFUSED)
    role = Role(own.role) if own else Role.AUDITOR
    return Member(user=user, principal=_principal(user, customer_id, role, scopes=scopes))


@platform_rows()
def login_stands(login_id: UUID, *, user: AbstractBaseUser, customer_id: str) -> bool:
    """Tell whether the login has not ended, neither by itself nor by a new password."""
    logins = Login.objects.filter(id=login_id, user_id=user.pk, customer_id=customer_id, ended_at=None)
    return logins.filter(password_mark=password_mark(user)).exists()


def password_mark(user: AbstractBaseUser) -> str:
    """Return a text that changes with the person's password and tells nothing of it."""
    return user.get_session_auth_hash()


@platform_rows()
def principal_of_user(user: AbstractBaseUser, customer_id: str | None = None) -> Principal:
    """Return who the person is at the customer named, or at the first that employs them.

    An auditor of the platform is one of whichever active customer is named.

    Raises:
        AuthFailed: the person is inactive, or a member of no such active customer.
    """
    memberships = Membership.objects.active().filter(user_id=user.pk)
    if customer_id is not None:
        memberships = memberships.filter(customer_id=customer_id)
    own = memberships.order_by("id").values_list("customer_id", "role").first()
    if own is not None:
        return _principal(user, own[0], Role(own[1]))
    if customer_id is not None and _auditor_at(customer_id).filter(user_id=user.pk).exists():
        return _principal(user, customer_id, Role.AUDITOR)
    raise AuthFailed(internal=f"user {user.pk} is no member of {customer_id or 'any customer'}")


def _principal(
    user: AbstractBaseUser, customer_id: str, role: Role, *, scopes: frozenset[str] | None = None
) -> Principal:
    return Principal(user_id=user.pk, username=user.get_username(), customer_id=customer_id, role=role, scopes=scopes)


def _auditor_at(customer_id: str) -> QuerySet[PlatformAuditor]:
    """Return the platform's auditors, of none where there is no such active customer."""
    customer = Customer.objects.filter(id=customer_id, is_active=True)
    return PlatformAuditor.objects.filter(Exists(customer), user__is_active=True)


@platform_rows()
def customers_of(user: AbstractBaseUser) -> list[str]:
    """Return the active customers that employ the person."""
    memberships = Membership.objects.active().filter(user_id=user.pk)
    return list(memberships.order_by("customer_id").values_list("customer_id", flat=True))


@platform_rows()
def forget_ended(now: datetime) -> None:
    """Delete some of the logins whose last token has expired; each new login clears a few, so that none pile up."""
    expired = Login.objects.filter(expires_at__lte=now).order_by("expires_at").values_list("id", flat=True)[:100]
    Login.objects.filter(id__in=list(expired)).delete()
