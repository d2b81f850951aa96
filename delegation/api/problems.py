"""Every error as application/problem+json (RFC 9457), with the fields of our own contract."""

import math
from typing import Any

import orjson
import structlog
from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from rest_framework import exceptions

from delegation.api.errors import NotAcceptable
from delegation.errors import MethodNotAllowed, PayloadTooLarge, ServiceUnavailable, UnsupportedMediaType
from security.errors import AuthFailed, NotAuthenticated, NotFound, PlatformError, RateLimitExceeded, ValidationFailed
from security.principal import Principal
from security.testimony import record_refusal

PROBLEM_TYPE = "application/problem+json"
DOCUMENTED_AT = "/docs/errors"
HOW_TO_AUTHENTICATE = "Send Authorization: Bearer <token>, or X-API-Key: <key>."

# What the frameworks raise, and which error of ours that is.
_SAME: dict[type[Exception], type[PlatformError]] = {
    exceptions.PermissionDenied: AuthFailed,
    PermissionDenied: AuthFailed,
    exceptions.NotFound: NotFound,
    Http404: NotFound,
    exceptions.MethodNotAllowed: MethodNotAllowed,
    exceptions.NotAcceptable: NotAcceptable,
    exceptions.UnsupportedMediaType: UnsupportedMediaType,
    RequestDataTooBig: PayloadTooLarge,
    exceptions.ParseError: ValidationFailed,
    SuspiciousOperation: ValidationFailed,
    BadRequest: ValidationFailed,
    OperationalError: ServiceUnavailable,
    InterfaceError: ServiceUnavailable,
}

logger = structlog.get_logger(__name__)


def problem_of(error: PlatformError, *, request_id: str) -> dict[str, Any]:
    """Return the body that a client sees; the error's internal message is not in it."""
    return {
        "type": f"{DOCUMENTED_AT}#{error.code}",
        "title": error.message,
        "status": error.status,
        "detail": error.user_message,
        "success": False,
        "error": error.code,
        "message": error.user_message,
        "retryable": error.retryable,
        "request_id": request_id,
    }


def problem_headers(error: PlatformError) -> dict[str, str]:
    """Return what a client needs to go on: how to authenticate, when to come back, what the limit is."""
    headers: dict[str, str] = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="a2a"'
    seconds = getattr(error, "retry_after_seconds", None)
    if seconds is not None:
        headers["Retry-After"] = str(max(1, math.ceil(seconds)))
    if isinstance(error, RateLimitExceeded) and error.policy:
        headers["RateLimit-Policy"] = error.policy
        headers["RateLimit"] = f"{error.policy.partition(';')[0]};r=0;t={headers['Retry-After']}"
    return headers


def problem_http(error: PlatformError) -> HttpResponse:
    """Return the whole response for the error of the request at hand."""
    body = problem_of(error, request_id=request_id())
    headers = problem_headers(error)
    return HttpResponse(orjson.dumps(body), status=error.status, content_type=PROBLEM_TYPE, headers=headers)


def problem_response(exc: Exception, context: dict[str, Any]) -> HttpResponse:
    """Translate whatever a view raised; named in the REST framework's settings."""
    error = translate(exc)
    _put_on_record(error, context)
    if isinstance(exc, exceptions.MethodNotAllowed):
        response = problem_http(error)
        response.headers["Allow"] = ", ".join(context["view"].allowed_methods)
        return response
    _log(error, exc)
    return problem_http(error)


def _put_on_record(error: PlatformError, context: dict[str, Any]) -> None:
    """Write the refusal's row where no service has: whichever view it comes from."""
    if isinstance(error, NotFound | AuthFailed) and not isinstance(error, NotAuthenticated):
        principal = getattr(context.get("request"), "auth", None)
        if isinstance(principal, Principal):
            record_refusal(principal, error)


def request_id() -> str:
    """Return the id of the request at hand, as it stands in the log and in the response's header."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def translate(exc: Exception) -> PlatformError:
    """Return the error of the catalogue that the exception amounts to; INTERNAL_ERROR where it is none we expect."""
    if isinstance(exc, PlatformError):
        return exc
    if isinstance(exc, exceptions.ValidationError):
        return ValidationFailed(detail=field_errors(exc.detail))
    if isinstance(exc, exceptions.Throttled):
        return RateLimitExceeded(internal=str(exc), retry_after_seconds=float(getattr(exc, "wait", None) or 1))
    if isinstance(exc, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return NotAuthenticated(internal=str(exc), detail=HOW_TO_AUTHENTICATE)
    same = (ours for theirs, ours in _SAME.items() if isinstance(exc, theirs))
    return next(same, PlatformError)(internal=repr(exc))


def field_errors(detail: Any, field: str = "") -> str:
    """Return the framework's nested findings as one line: `message: This field is required.; start: ...`."""
    if isinstance(detail, dict):
        own = {"" if name == "non_field_errors" else str(name): each for name, each in detail.items()}
        named = [field_errors(each, ".".join(filter(None, (field, name)))) for name, each in own.items()]
        return "; ".join(filter(None, named))
    if isinstance(detail, list):
        return " ".join(filter(None, (field_errors(each, field) for each in detail)))
    return f"{field}: {detail}" if field else str(detail)


def _log(error: PlatformError, exc: Exception) -> None:
    if error.status >= 500 and not isinstance(exc, PlatformError):
        logger.error("request_failed", code=error.code, internal=error.internal_message, exc_info=exc)
    else:
        logger.info("request_refused", code=error.code, status=error.status, internal=error.internal_message)
