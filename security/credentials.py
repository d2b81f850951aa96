"""What a caller shows: a JWT or an API key in, the person and the customer they act for out.

The customer comes from the credential alone. A token's role is for its reader's information: what its holder may do is
decided by the membership as it stands now.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from security.errors import AuthFailed, NotAuthenticated
from security.principal import Principal
from security.services import principal_of_api_key, principal_of_user
from security.switches import is_switched_off

# Who is dismissed keeps access for at most this long; in return, most requests need no query to know their caller.
MEMBERSHIP_REMEMBERED_SECONDS = 5.0
_REMEMBERED_AT_MOST = 10_000

LOGIN_REFUSED = "Wrong username or password."
TOKEN_REFUSED = "The token is invalid or has expired."  # noqa: S105  a message


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person at the customer they act for."""

    user: AbstractBaseUser
    principal: Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A valid access token: whom it speaks for, and until when."""

    member: Member
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPair:
    """A fresh pair of tokens and whom they speak for."""

    access: str
    refresh: str
    expires_in_seconds: int
    principal: Principal


_remembered: dict[tuple[int, str], tuple[float, Member]] = {}


def forget_members() -> None:
    """Look every membership up again."""
    _remembered.clear()


def member_of(*, user_id: int, customer_id: str) -> Member:
    """Return the person at the customer, as of at most five seconds ago.

    Raises:
        NotAuthenticated: no such person, or no (longer an) active member there.
    """
    if is_switched_off(customer_id):
        raise NotAuthenticated(internal=f"{customer_id} is switched off", detail=TOKEN_REFUSED)
    found = _remembered.get((user_id, customer_id))
    if found is not None and time.monotonic() - found[0] < MEMBERSHIP_REMEMBERED_SECONDS:
        return found[1]
    member = _look_up(user_id=user_id, customer_id=customer_id)
    if len(_remembered) >= _REMEMBERED_AT_MOST:
        _remembered.clear()
    _remembered[user_id, customer_id] = (time.monotonic(), member)
    return member


def _look_up(*, user_id: int, customer_id: str) -> Member:
    user = get_user_model().objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        raise NotAuthenticated(internal=f"user {user_id} is gone or inactive", detail=TOKEN_REFUSED)
    try:
        return Member(user=user, principal=principal_of_user(user, customer_id))
    except AuthFailed as error:
        raise NotAuthenticated(internal=error.internal_message, detail=TOKEN_REFUSED) from error


def credential_of_token(raw: str | bytes) -> Credential:
    """Return what an access token stands for.

    Raises:
        NotAuthenticated: it is forged, expired, of another kind, or its person is no member any more.
    """
    try:
        token: Any = AccessToken(raw)  # type: ignore[arg-type]  # its annotation forgets the encoded form
        member = member_of(user_id=int(token["sub"]), customer_id=str(token["customer_id"]))
        return Credential(member=member, expires_at=datetime.fromtimestamp(token["exp"], UTC))
    except (TokenError, KeyError, ValueError, OverflowError) as error:
        raise NotAuthenticated(internal=f"access token refused: {error!r}", detail=TOKEN_REFUSED) from error


def log_in(*, request: Any, username: str, password: str, customer_id: str | None) -> TokenPair:
    """Return tokens for a person who knows the password, at the customer named or at the first that employs them.

    Raises:
        NotAuthenticated: wrong name or password, or no member of that customer (which sounds the same).
    """
    user = authenticate(request, username=username, password=password)
    if user is None:
        raise NotAuthenticated(internal="login refused", detail=LOGIN_REFUSED)
    try:
        return _pair(user, principal_of_user(user, customer_id))
    except AuthFailed as error:
        raise NotAuthenticated(internal=error.internal_message, detail=LOGIN_REFUSED) from error


def rotate(raw: str) -> TokenPair:
    """Return a new pair for a refresh token, with the role that its person has now.

    Raises:
        NotAuthenticated: it is forged, expired, of another kind, or its person is no member any more.
    """
    try:
        token: Any = RefreshToken(raw)  # type: ignore[arg-type]  # as above
        member = _look_up(user_id=int(token["sub"]), customer_id=str(token["customer_id"]))
    except (TokenError, KeyError, ValueError) as error:
        raise NotAuthenticated(internal=f"refresh token refused: {error!r}", detail=TOKEN_REFUSED) from error
    return _pair(member.user, member.principal)


def _pair(user: AbstractBaseUser, principal: Principal) -> TokenPair:
    refresh: Any = RefreshToken.for_user(user)
    refresh["customer_id"] = principal.customer_id
    refresh["username"] = principal.username
    refresh["role"] = str(principal.role)
    access = refresh.access_token
    return TokenPair(
        access=str(access),
        refresh=str(refresh),
        expires_in_seconds=access["exp"] - access["iat"],
        principal=principal,
    )


def _only_match(request: Request, principal: Principal) -> None:
    """Refuse a request that names another customer than its credential does."""
    named = request.META.get("HTTP_X_CUSTOMER_ID")
    if named is not None and named != principal.customer_id:
        raise AuthFailed(
            internal=f"{principal.username} of {principal.customer_id} named {named[:64]!r} in X-Customer-ID",
            detail="X-Customer-ID does not match your credential.",
        )


class JWTAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>`; request.user is the Django user, request.auth the Principal."""

    def authenticate(self, request: Request) -> tuple[AbstractBaseUser, Principal] | None:
        scheme, _, raw = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        member = credential_of_token(raw.strip()).member
        _only_match(request, member.principal)
        return member.user, member.principal

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002  the framework's signature
        return 'Bearer realm="a2a"'


class ApiKeyAuthentication(BaseAuthentication):
    """`X-API-Key: <key>`. The key itself is looked up each time, so that a revoked one ends at once."""

    def authenticate(self, request: Request) -> tuple[AbstractBaseUser, Principal] | None:
        raw = request.META.get("HTTP_X_API_KEY")
        if raw is None:
            return None
        try:
            principal = principal_of_api_key(raw, now=timezone.now())
        except NotAuthenticated as error:
            raise NotAuthenticated(internal=error.internal_message, detail="The API key is not valid.") from error
        _only_match(request, principal)
        return member_of(user_id=principal.user_id, customer_id=principal.customer_id).user, principal
