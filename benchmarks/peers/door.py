"""The door of a peer that has none of its own: submit a task, read it, both with a bearer token. Starlette, orjson."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.peers.bearer import is_known

# Each of the two processes of a door has so many connections for its steps.
CONNECTIONS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is behind a door. ``submit`` returns once the task is saved, ``perform`` once it has ended, with
    (status, result); ``read`` returns the same or None.
    """

    submit: Callable[[str, int], Awaitable[None]]
    perform: Callable[[str, int], Awaitable[tuple[str, str]]]
    read: Callable[[str], Awaitable[tuple[str, str] | None]]


def door(working: Callable[[], AbstractAsyncContextManager[Work]]) -> Starlette:
    """Return the application; ``working`` sets the work up for as long as a server process lives."""
    opened: list[Work] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with working() as work:
            opened.append(work)
            yield

    async def submit(request: Request) -> Response:
        if not is_known(request.headers.get("authorization", "")):
            return Response(status_code=401)
        wanted = orjson.loads(await request.body())
        task_id = str(uuid4())
        if request.headers.get("prefer", "").startswith("wait="):
            status, result = await opened[0].perform(task_id, wanted["delay_ms"])
            return _answer({"task_id": task_id, "status": status, "result": result}, status_code=201)
        await opened[0].submit(task_id, wanted["delay_ms"])
        return _answer({"task_id": task_id, "status": "submitted"}, status_code=201)

    async def read(request: Request) -> Response:
        if not is_known(request.headers.get("authorization", "")):
            return Response(status_code=401)
        task_id = request.path_params["task_id"]
        found = await opened[0].read(task_id)
        if found is None:
            return Response(status_code=404)
        status, result = found
        return _answer({"task_id": task_id, "status": status, "result": result})

    return Starlette(
        routes=[Route("/tasks", submit, methods=["POST"]), Route("/tasks/{task_id}", read)], lifespan=lifespan
    )


def _answer(body: object, *, status_code: int = 200) -> Response:
    return Response(orjson.dumps(body), status_code=status_code, media_type="application/json")
