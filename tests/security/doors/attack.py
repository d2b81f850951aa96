"""How an attack is made and what is seen of it: the whole answer, and the statements that it took."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import uuid6
from django.db import connection
from django.test import Client

from tests.people import Person
from tests.security.doors.company import ACMES_WORDS

# A request's id is the client's to choose, so that answers can be compared to the byte.
REQUEST_ID = "the-same-for-all"
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
_SAVEPOINT = re.compile(r"s\d+_x\d+")
# The length of an id is part of the one, the time of the other.
_OF_THE_MOMENT = {"Content-Length", "Expires"}
Seen = tuple[int, dict[str, str], bytes]


def client_of(person: Person | None = None, **headers: str) -> Client:
    """Return a client that shows the person's token."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if person is not None:
        named["Authorization"] = f"Bearer {person.token}"
    return Client(headers={"X-Request-ID": REQUEST_ID, **named}, raise_request_exception=False)


def address(pattern: str, ids: dict[str, Any], *, beneath: str = "/api/v1/") -> str:
    """Return the address with ids in the place of its parameters."""
    return beneath + PARAMETER.sub(lambda found: str(ids[found[1]]), pattern)


def parameters(pattern: str) -> list[str]:
    return PARAMETER.findall(pattern)


def absent_id(like: object) -> object:
    """Return an id of the same kind as this one, of nothing that there is."""
    if isinstance(like, UUID):
        return uuid6.uuid7()
    return 10**9 + int(like) if isinstance(like, int) else f"{like}x"


def send(client: Client, method: str, path: str, body: Any = None, **more: Any) -> Any:
    if body is not None and method != "get":
        more = {"data": body, "content_type": "application/json", **more}
    return getattr(client, method)(path, **more)


def seen(response: Any, *hidden: object) -> Seen:
    """Return the whole answer, with these ids made one."""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    headers = {name: _without(value, hidden) for name, value in response.headers.items() if name not in _OF_THE_MOMENT}
    return response.status_code, headers, _without(body.decode(), hidden).encode()


def _without(text: str, hidden: tuple[object, ...]) -> str:
    for each in hidden:
        text = text.replace(str(each), "ID")
    return text


@contextmanager
def statements() -> Iterator[list[str]]:
    """Give the statements that the block has the database carry out, without their parameters."""
    told: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        told.append(_SAVEPOINT.sub("savepoint", sql))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield told


_DRAWN = re.compile(r"[A-Za-z0-9]{32,}|nonce[=-][^\"' ]+")


def tells_of_acme(text: bytes | str, *, besides: str = "") -> list[str]:
    """Return what the text says of AcmeCorp, besides what it was told itself."""
    raw = text.decode(errors="replace") if isinstance(text, bytes) else text
    # Tokens are drawn by chance, which will say anything one day.
    said = _DRAWN.sub("", raw).casefold()
    return [word for word in ACMES_WORDS if word in said and word not in besides.casefold()]
