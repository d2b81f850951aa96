"""Logins by name and password, and the chain of refresh tokens that follows from each.

A refresh token is good once. Its use draws the next one by compare-and-set, so that of two who show the same token one
comes second, and whoever comes second ends the login: the thief's tokens with the owner's. There is no grace period,
since a thief could use it; a client must not refresh twice at once.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.contrib.auth import authenticate
from django.contrib.auth.models import AbstractBaseUser
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import RefreshToken

from security.errors import AuthFailed, NotAuthenticated, ValidationFailed
from security.members import (
    TOKEN_REFUSED,
    customers_of,
    forget_ended,
    forget_members,
    login_stands,
    member_now,
    password_mark,
    principal_of_user,
)
from security.models import Login
from security.principal import Principal
from security.rows import platform_rows
from security.testimony import record_refusal

log = structlog.get_logger(__name__)

LOGIN_REFUSED = "Wrong username or password."
LOGIN_CLAIM = "sid"
REUSED, SIGNED_OUT = "a refresh token was used twice", "signed out"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPair:
    """A fresh pair of tokens and whom they speak for."""

    access: str
    refresh: str
    expires_in_seconds: int
    principal: Principal


@platform_rows()
def log_in(*, request: Any, username: str, password: str, customer_id: str | None, now: datetime) -> TokenPair:
    """Return tokens for a person who knows the password, at the customer named or at the only one that employs them.

    Raises:
        NotAuthenticated: wrong name or password, or no member of that customer (which sounds the same).
        ValidationFailed: several customers employ the person, and none was named.
    """
    user = authenticate(request, username=username, password=password)
    if user is None:
        raise NotAuthenticated(internal="login refused", detail=LOGIN_REFUSED)
    if customer_id is None and len(customers := customers_of(user)) > 1:
        raise ValidationFailed(detail=f"customer: you belong to several, name one of {', '.join(customers)}.")
    try:
        principal = principal_of_user(user, customer_id)
    except AuthFailed as error:
        raise NotAuthenticated(internal=error.internal_message, detail=LOGIN_REFUSED) from error
    forget_ended(now)
    token: Any = RefreshToken()
    login = Login.objects.create(
        user_id=user.pk,
        customer_id=principal.customer_id,
        token_digest=_digest(token),
        password_mark=password_mark(user),
        created_at=now,
        refreshed_at=now,
        expires_at=now + api_settings.REFRESH_TOKEN_LIFETIME,
    )
    return _pair(token, login.id, user, principal)


@platform_rows()
def rotate(raw: str, *, now: datetime) -> TokenPair:
    """Return a new pair for the newest refresh token of a login, with the role that its person has now.

    Raises:
        NotAuthenticated: it is forged, expired, of another kind, or its login has ended, as it does now where the token
            has been used before.
    """
    token, login_id = _read(raw)
    member = member_now(user_id=int(token["sub"]), customer_id=str(token["customer_id"]))
    following: Any = RefreshToken()
    shown = Login.objects.filter(
        id=login_id, user_id=member.user.pk, customer_id=member.principal.customer_id, ended_at=None, expires_at__gt=now
    )
    drawn = shown.filter(token_digest=_digest(token), password_mark=password_mark(member.user)).update(
        token_digest=_digest(following),
        refreshed_at=now,
        expires_at=now + api_settings.REFRESH_TOKEN_LIFETIME,
    )
    if not drawn:
        refusal = NotAuthenticated(internal=f"refresh token of login {login_id}: not the newest", detail=TOKEN_REFUSED)
        if login_stands(login_id, user=member.user, customer_id=member.principal.customer_id):
            _end_reused(login_id, member.principal, refusal, now=now)
        raise refusal
    return _pair(following, login_id, member.user, member.principal)


@platform_rows()
def log_out(raw: str, *, now: datetime) -> None:
    """End the login that the refresh token belongs to. One that is not ours, or over already, changes nothing."""
    try:
        token, login_id = _read(raw)
    except NotAuthenticated:
        return
    login = Login.objects.filter(id=login_id, token_digest=_digest(token), ended_at=None)
    login.update(ended_at=now, ended_by=SIGNED_OUT)
    forget_members()


def _end_reused(login_id: UUID, principal: Principal, refusal: NotAuthenticated, *, now: datetime) -> None:
    if Login.objects.filter(id=login_id, ended_at=None).update(ended_at=now, ended_by=REUSED):
        forget_members()
        log.warning("refresh_token_reused", login_id=str(login_id), customer_id=principal.customer_id)
        record_refusal(principal, refusal, reason=f"{principal.username}'s login {login_id} ended: {REUSED}", at=now)


def _read(raw: str) -> tuple[Any, UUID]:
    """Return the verified token and its login. Raises NotAuthenticated."""
    try:
        token: Any = RefreshToken(raw)  # type: ignore[arg-type]  # its annotation forgets the encoded form
        _ = int(token["sub"]), str(token["customer_id"]), str(token["jti"])
        return token, UUID(str(token[LOGIN_CLAIM]))
    except (TokenError, KeyError, ValueError, TypeError) as error:
        raise NotAuthenticated(internal=f"refresh token refused: {error!r}", detail=TOKEN_REFUSED) from error


def _pair(refresh: Any, login_id: UUID, user: AbstractBaseUser, principal: Principal) -> TokenPair:
    refresh["sub"] = str(user.pk)
    refresh[LOGIN_CLAIM] = str(login_id)
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


def _digest(token: Any) -> str:
    return hashlib.sha256(str(token["jti"]).encode()).hexdigest()
