"""JSON in and out. What comes in is made sure to be storable; what goes out has been by the same rule."""

from collections.abc import Iterable, Mapping
from typing import IO, Any

import orjson
from django.conf import settings
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from delegation.api.errors import NotAcceptable
from delegation.errors import PayloadTooLarge
from security.errors import ValidationFailed

# orjson reads 1024 levels but writes only 254, and what a client says is wrapped in several of ours.
MAX_DEPTH = 64
_ACCEPTED = {"*/*", "application/*", "application/json", "application/problem+json"}


class OrjsonRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:  # noqa: ARG002
        return b"" if data is None else orjson.dumps(data)


class OrjsonParser(BaseParser):
    """Parse a body that is strict JSON, not too large, not too deep, and free of NUL characters."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:  # noqa: ARG002
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise PayloadTooLarge(internal=f"a body of more than {limit} bytes")
        return storable_json(body)


def storable_json(body: bytes) -> Any:
    """Parse JSON that any of the databases can keep.

    Raises:
        ValidationFailed: it is not JSON (NaN, lone surrogates and bad UTF-8 included), nested more than 64 levels
            deep, or holds a NUL character.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        detail = f"The body is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        raise ValidationFailed(detail=detail) from error
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _is_deeper_than(value, MAX_DEPTH):
        raise ValidationFailed(detail=f"The body is nested more than {MAX_DEPTH} levels deep.")
    if b"\\u0000" in body and _holds_nul(value):
        raise ValidationFailed(detail="The body holds a NUL character, which cannot be stored.")
    return value


def _is_deeper_than(value: Any, levels: int) -> bool:
    layer = [value]
    for _ in range(levels):
        layer = [inner for outer in layer for inner in _children(outer) if isinstance(inner, dict | list)]
        if not layer:
            return False
    return True


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    keys: Iterable[Any] = value if isinstance(value, dict) else ()
    return any(_holds_nul(each) for each in (*keys, *_children(value)))


def _children(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()


class JsonNegotiation(BaseContentNegotiation):
    """Answer in JSON whoever takes it, at a tenth of the framework's own cost."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        media_type = (request.content_type or "").partition(";")[0].strip().lower()
        accepted = media_type == "application/json" or media_type.endswith("+json")
        return next(iter(parsers), None) if accepted else None

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,  # noqa: ARG002  the framework's signature
    ) -> tuple[BaseRenderer, str]:
        accept = request.META.get("HTTP_ACCEPT", "*/*")
        if accept not in _ACCEPTED and not _takes_json(accept):
            raise NotAcceptable(internal=f"Accept: {accept[:100]!r}")
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


def _takes_json(accept: str) -> bool:
    ranges = (each.strip().lower().replace(" ", "").split(";") for each in accept.split(","))
    return any(kind in _ACCEPTED and not {"q=0", "q=0.0", "q=0.00", "q=0.000"} & {*more} for kind, *more in ranges)
