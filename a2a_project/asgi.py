"""The ASGI application: Django for HTTP, the live events for websockets."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any

import orjson
from django import setup
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.urls import set_script_prefix

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "a2a_project.settings")
setup(set_prefix=False)

from channels.routing import ProtocolTypeRouter  # noqa: E402  needs the apps
from django.conf import settings  # noqa: E402  needs them set up

from a2a_project.interpreter import tune_for_serving  # noqa: E402  needs the apps
from a2a_project.request_ids import sane_request_id  # noqa: E402  needs the apps
from delegation.api.preferences import AnswerAtRest  # noqa: E402  needs the apps
from delegation.api.problems import PROBLEM_TYPE, problem_of  # noqa: E402  needs the apps
from delegation.errors import PayloadTooLarge  # noqa: E402  needs the apps
from delegation.live.feed import feed  # noqa: E402  needs the apps
from delegation.live.routing import websockets  # noqa: E402  needs the apps
from delegation.live.waiting import waiting  # noqa: E402  needs the apps

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# Each thread may hold a database connection while it answers.
_THREADS = ThreadPoolExecutor(max_workers=16, thread_name_prefix="http")


async def _in_thread(function: Callable[..., Any], *args: Any) -> Any:
    """Run it as a WSGI server would: the thread keeps what Django keeps for it from one request to the next."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, function, *args)


async def _chunks(content: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (chunk := await _in_thread(next, content, None)) is not None:
        yield chunk


class PooledHandler(ASGIHandler):
    """Django with a whole request in one thread of a pool.

    Its own handler hops between the event loop and a fresh thread for each middleware that is not asynchronous, which
    costs more than most requests do.
    """

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  Django's signature
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Django's own gives each request a thread to be sensitive to; here it has one of the pool.
        await self.handle(scope, receive, send)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        response = await _in_thread(self._respond, scope, body)
        if isinstance(response, AnswerAtRest):
            await response.complete()
        if not response.streaming:
            await self.send_response(response, send)
            return
        if not response.is_async:
            response.streaming_content = _chunks(response.streaming_content)
        try:
            await self.send_response(response, send)
        finally:
            await _in_thread(response.close)

    def _respond(self, scope: Scope, body: IO[bytes]) -> Any:
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        with body:
            request, refused = self.create_request(scope, body)
            response: Any = refused if request is None else self.get_response(request)
            if not response.streaming:
                # In this thread: it ends what the request began in it, its database connection above all.
                response.close()
        return response


class BodyLimit:
    """Refuse a body that is too large before it is read, by its announced length, or as soon as it is."""

    def __init__(self, application: Application, *, most_bytes: int) -> None:
        self._application = application
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
        elif _announced_bytes(scope) > self._most_bytes:
            await _refuse(scope, send)
        else:
            await self._counted(scope, receive, send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        received_bytes = 0

        async def counting() -> Message:
            nonlocal received_bytes
            message = await receive()
            received_bytes += len(message.get("body", b""))
            # To the application a client that sends too much has gone.
            return {"type": "http.disconnect"} if received_bytes > self._most_bytes else message

        await self._application(scope, counting, send)
        if received_bytes > self._most_bytes:
            await _refuse(scope, send)


def _announced_bytes(scope: Scope) -> int:
    lengths = [value for name, value in scope["headers"] if name == b"content-length" and value.isdigit()]
    return int(lengths[0][:20]) if lengths else 0


async def _refuse(scope: Scope, send: Send) -> None:
    named = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-request-id"]
    request_id = sane_request_id(named[0] if named else None)
    body = orjson.dumps(problem_of(PayloadTooLarge(), request_id=request_id))
    headers = [
        (b"content-type", PROBLEM_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"x-request-id", request_id.encode()),
    ]
    await send({"type": "http.response.start", "status": PayloadTooLarge.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def lifespan(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001  ASGI's signature
    """Have the live feed send, and requests wait, on the server's loop for as long as it serves."""
    await receive()
    begun = feed.start()
    waiting.start()
    tune_for_serving()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await waiting.stop()
    if begun:
        await feed.stop()
    await send({"type": "lifespan.shutdown.complete"})


application: Application = ProtocolTypeRouter(
    {
        "http": BodyLimit(PooledHandler(), most_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE),
        "websocket": websockets,
        "lifespan": lifespan,
    }
)
