"""What a caller shows: a JWT or an API key in, the person and the customer they act for out.

The customer comes from the credential alone. A token's role is for its reader's information: what its holder may do is
decided by the membership as it stands now.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken

from security.errors import NotAuthenticated, NotFound
from security.keys import member_of_api_key
from security.logins import LOGIN_CLAIM, TokenPair, log_in, log_out, rotate
from security.members import (
    MEMBERSHIP_REMEMBERED_SECONDS,
    TOKEN_REFUSED,
    Member,
    forget_members,
    member_of,
)
from security.principal import Principal
from security.rows import narrow_rows
from security.testimony import record_refusal

# Where a client may say which customer it means, in a query or a body. It can only say again what its credential says.
CUSTOMER_NAMES = ("customer_id", "customer")

__all__ = [
    "CUSTOMER_NAMES",
    "MEMBERSHIP_REMEMBERED_SECONDS",
    "ApiKeyAuthentication",
    "Credential",
    "JWTAuthentication",
    "Member",
    "TokenPair",
    "credential_of_token",
    "forget_members",
    "log_in",
    "log_out",
    "member_of",
    "only_match",
    "rotate",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A valid access token: whom it speaks for, by which login, and until when."""

    member: Member
    login_id: UUID
    expires_at: datetime


def credential_of_token(raw: str | bytes) -> Credential:
    """Return what an access token stands for.

    Raises:
        NotAuthenticated: it is forged, expired, of another kind, its login is over, or its person no member any more.
    """
    try:
        token: Any = AccessToken(raw)  # type: ignore[arg-type]  # its annotation forgets the encoded form
        login_id = UUID(str(token[LOGIN_CLAIM]))
        member = member_of(user_id=int(token["sub"]), customer_id=str(token["customer_id"]), login_id=login_id)
        return Credential(member=member, login_id=login_id, expires_at=datetime.fromtimestamp(token["exp"], UTC))
    except (TokenError, KeyError, ValueError, TypeError, OverflowError) as error:
        raise NotAuthenticated(internal=f"access token refused: {error!r}", detail=TOKEN_REFUSED) from error


def only_match(principal: Principal, named: Iterable[tuple[str, object]]) -> None:
    """Refuse a request that names another customer than its credential does: there is nothing of it here.

    ``named`` are the places that may name one, with what they say; None is nothing.

    Raises:
        NotFound: exactly as for what does not exist.
    """
    for where, customer_id in named:
        if customer_id is not None and customer_id != principal.customer_id:
            # The other's name stays out of the record: it is none of this customer's business who else is here.
            refusal = NotFound(internal=f"{principal.username} named another customer in {where}")
            record_refusal(principal, refusal)
            raise refusal


class JWTAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>`; request.user is the Django user, request.auth the Principal."""

    def authenticate(self, request: Request) -> tuple[AbstractBaseUser, Principal] | None:
        scheme, _, raw = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        member = credential_of_token(raw.strip()).member
        narrow_rows(member.principal.customer_id)
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
            member = member_of_api_key(raw, now=timezone.now())
        except NotAuthenticated as error:
            raise NotAuthenticated(internal=error.internal_message, detail="The API key is not valid.") from error
        narrow_rows(member.principal.customer_id)
        return member.user, member.principal
