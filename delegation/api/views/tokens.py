"""Credentials for a name and a password, and fresh ones for a refresh token."""

from typing import Any

from django.utils import timezone
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from delegation.api import samples
from delegation.api.inputs import RefreshInput, TokenInput, validated
from delegation.api.outputs import LogoutOutput, TokenOutput
from delegation.api.schema import documented
from delegation.api.views.door import Door
from security.credentials import TokenPair, log_in, log_out, rotate
from security.errors import ValidationFailed
from security.http_limits import count_login
from security.limits import LimiterUnavailable


class Token(Door):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    @documented(
        summary="Log in",
        operation_id="auth_token",
        request=TokenInput,
        request_sample=samples.TOKEN_REQUEST,
        response=TokenOutput,
        sample=samples.TOKENS,
        errors=(ValidationFailed, LimiterUnavailable),
        tag="auth",
        anonymous=True,
    )
    def post(self, request: Request) -> Response:
        """Return an access and a refresh token for a username and password."""
        sent = validated(TokenInput, request.data)
        pair = log_in(
            request=request,
            username=sent["username"],
            password=sent["password"],
            customer_id=sent.get("customer"),
            now=timezone.now(),
        )
        return _never_stored(pair)


class Refresh(Door):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    @documented(
        summary="Get fresh tokens",
        operation_id="auth_refresh",
        request=RefreshInput,
        request_sample=samples.REFRESH_REQUEST,
        response=TokenOutput,
        sample=samples.TOKENS,
        errors=(ValidationFailed, LimiterUnavailable),
        tag="auth",
        anonymous=True,
    )
    def post(self, request: Request) -> Response:
        """Return a new pair with the role that the person has now. A second use of a token ends the login."""
        count_login(request)
        return _never_stored(rotate(validated(RefreshInput, request.data)["refresh"], now=timezone.now()))


class Logout(Door):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    @documented(
        summary="Log out",
        operation_id="auth_logout",
        request=RefreshInput,
        request_sample=samples.REFRESH_REQUEST,
        response=LogoutOutput,
        sample=samples.LOGOUT,
        errors=(ValidationFailed, LimiterUnavailable),
        tag="auth",
        anonymous=True,
    )
    def post(self, request: Request) -> Response:
        """End the login that the refresh token came from, with every token of it. Says the same of any token."""
        count_login(request)
        log_out(validated(RefreshInput, request.data)["refresh"], now=timezone.now())
        return Response({"logged_out": True}, headers={"Cache-Control": "no-store"})


def _never_stored(pair: TokenPair) -> Response:
    shape: dict[str, Any] = {
        "access": pair.access,
        "refresh": pair.refresh,
        "token_type": "Bearer",
        "expires_in": pair.expires_in_seconds,
        "customer_id": pair.principal.customer_id,
        "username": pair.principal.username,
        "role": pair.principal.role,
    }
    return Response(shape, headers={"Cache-Control": "no-store"})
