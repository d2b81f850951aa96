"""An id for every request: the client's own where it looks sane, else one of ours; in the log and in the answer."""

import re
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponseBase

# An id is copied into every log line: nothing that could break one, or fill it.
_SANE = re.compile(r"[A-Za-z0-9._:@=+/-]{1,128}")


def sane_request_id(raw: str | None) -> str:
    """Return the client's id, or a new one."""
    return raw if raw is not None and _SANE.fullmatch(raw) else str(uuid.uuid4())


class RequestIdMiddleware:
    """Stand before django-structlog's middleware, which binds what it finds in X-Request-ID to the log.

    It would bind an address too, at three times the cost of the rest, and that of whichever proxy header comes first;
    ours is the one that the web server vouches for.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request_id = sane_request_id(request.META.get("HTTP_X_REQUEST_ID"))
        request.META["HTTP_X_REQUEST_ID"] = request_id
        structlog.contextvars.bind_contextvars(ip=request.META.get("REMOTE_ADDR"))
        response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id
        return response
