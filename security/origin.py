"""By which door a request came, and with which headers: known to whoever writes the record, carried implicitly."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

_SECRET = re.compile(r"auth|cookie|token|key|secret|password|passwd|credential|signature|session|csrf|jwt|protocol")
# A header that a proxy adds may be long, and there may be many; the record needs to recognise a caller, no more.
_VALUE_LENGTH, _MOST_HEADERS = 200, 40
_PLAIN = ("CONTENT_TYPE", "REMOTE_ADDR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A door and the request that came by it, in WSGI's words (HTTP_X_API_KEY ...)."""

    door: str
    meta: Mapping[str, Any]


_INSIDE = Origin(door="command", meta={})
_origin: ContextVar[Origin] = ContextVar("origin", default=_INSIDE)


@contextmanager
def arriving(door: str, meta: Mapping[str, Any]) -> Iterator[None]:
    """Have what is recorded in the block name this door and these headers."""
    token = _origin.set(Origin(door=door, meta=meta))
    try:
        yield
    finally:
        _origin.reset(token)


def arrived(door: str, meta: Mapping[str, Any]) -> None:
    """Name the door for the rest of this task or thread, where no block spans it."""
    _origin.set(Origin(door=door, meta=meta))


def door() -> str:
    """Return the door of the request at hand: rest, page, admin, websocket, command ..."""
    return _origin.get().door


def headers_on_record() -> dict[str, str]:
    """Return the headers of the request at hand, what could be a secret in them masked, and ``Door``."""
    origin = _origin.get()
    headers = {"Door": origin.door}
    for name, value in origin.meta.items():
        if not name.startswith("HTTP_") and name not in _PLAIN:
            continue
        if len(headers) > _MOST_HEADERS:
            break
        plain = name.removeprefix("HTTP_")
        headers[_written(plain)] = masked(plain, str(value))
    return headers


def masked(name: str, value: str) -> str:
    """Return the header's value as it may be kept: of a secret only its scheme, or the beginning it is known by."""
    if _SECRET.search(name.lower()) is None:
        return value.replace("\0", "")[:_VALUE_LENGTH]
    if value.startswith("a2a_") and len(value) > 20:
        return f"{value[:10]}****"
    scheme, space, rest = value.partition(" ")
    if space and rest and scheme.isalpha() and len(scheme) <= 10 and "cookie" not in name.lower():
        return f"{scheme} ****"
    return "****"


def _written(name: str) -> str:
    """Return HTTP's way to write X_API_KEY: X-Api-Key."""
    return _WRITTEN.get(name) or _remember(name)


_WRITTEN: dict[str, str] = {}


def _remember(name: str) -> str:
    written = name.replace("_", "-").title()[:_VALUE_LENGTH]
    # Clients invent names; only so many are worth remembering.
    if len(_WRITTEN) < 1000:
        _WRITTEN[name] = written
    return written


class OriginMiddleware:
    """Names the door of each HTTP request by its address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with arriving(_door_of(request.path_info), request.META):
            return self._get_response(request)


def _door_of(path: str) -> str:
    first = path.lstrip("/").partition("/")[0]
    return {"api": "rest", "admin": "admin", "tasks": "page", "callbacks": "callback", "a2a": "a2a"}.get(first, "http")
