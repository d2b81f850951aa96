"""JSON from agents, made harmless: what comes out can be stored in PostgreSQL and serialised again."""

import re
from typing import Any

import orjson

from delegation.errors import InvalidAgentResponse

# orjson writes at most 254 levels, and what an agent says is later wrapped in several of ours.
_MAX_DEPTH = 128
_MAX_MENDABLE_BYTES = 1024 * 1024
# Parsing holds up every other call of this process: two million empty lists in 8 MB took two seconds.
_MAX_CONTAINERS = 250_000
_UNSTORABLE = re.compile(
    rb"(?<!\\)((?:\\\\)*)\\u"
    rb"(?:0000|[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2}\\u)[dD][c-fC-F][0-9a-fA-F]{2})"
)


def json_of(body: bytes) -> Any:
    """Parse a body; NUL characters and lone surrogates in its strings become U+FFFD.

    Raises:
        InvalidAgentResponse: it is not JSON, nested over 128 levels, or holds over 250,000 lists and objects.
    """
    containers = body.count(b"[") + body.count(b"{")
    if containers > _MAX_CONTAINERS:
        raise InvalidAgentResponse(internal=f"JSON of {containers} lists and objects")
    try:
        value = orjson.loads(_without_nul(body))
    except orjson.JSONDecodeError as error:
        value = _mended(body, error)
    if containers > _MAX_DEPTH and _is_deeper_than(value, _MAX_DEPTH):
        raise InvalidAgentResponse(internal=f"JSON nested more than {_MAX_DEPTH} levels deep")
    return value


def _without_nul(body: bytes) -> bytes:
    return _UNSTORABLE.sub(rb"\1\\ufffd", body) if b"\\u0000" in body and _mendable(body) else body


def _mendable(body: bytes) -> bool:
    if len(body) > _MAX_MENDABLE_BYTES:
        # Mending holds up every other call of this process; a body of this size is not worth that.
        raise InvalidAgentResponse(internal=f"a body of {len(body)} bytes holds characters that cannot be stored")
    return True


def _mended(body: bytes, error: orjson.JSONDecodeError) -> Any:
    if b"\\ud" not in body and b"\\uD" not in body:
        raise InvalidAgentResponse(internal=f"not JSON: {error}").quoting(body) from error
    _mendable(body)
    try:
        return orjson.loads(_UNSTORABLE.sub(rb"\1\\ufffd", body))
    except orjson.JSONDecodeError as still:
        raise InvalidAgentResponse(internal=f"not JSON: {still}").quoting(body) from still


def _is_deeper_than(value: Any, levels: int) -> bool:
    layer = [value]
    for _ in range(levels):
        layer = [inner for outer in layer for inner in _children(outer)]
        if not layer:
            return False
    return True


def _children(value: Any) -> list[Any]:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [each for each in children if isinstance(each, dict | list)]
