"""HTTP/1.1 with keep-alive, as little of it as a scripted agent needs, and the ways to break it on purpose."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Handler = Callable[[Request, "Connection"], Awaitable[None] | None]


class Connection(asyncio.Protocol):
    """One client's connection; requests on it are answered one after the other."""

    def __init__(self, handler: Handler, open_connections: set["Connection"]) -> None:
        self._handler = handler
        self._open = open_connections
        self._received = bytearray()
        self._task: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self.closed = asyncio.Event()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._open.discard(self)
        self.closed.set()
        self._writable.set()
        if self._task is not None:
            self._task.cancel()

    @property
    def idle(self) -> bool:
        return self._task is None

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._serve()

    def _serve(self) -> None:
        while self._task is None and (request := self._next_request()) is not None:
            working = self._handler(request, self)
            if working is not None:
                self._task = asyncio.ensure_future(self._finish(working))

    async def _finish(self, working: Awaitable[None]) -> None:
        await working
        self._task = None
        self._serve()

    def _next_request(self) -> Request | None:
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return None
        first, *lines = self._received[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        stop = end + 4 + int(headers.get("content-length", "0"))
        if len(self._received) < stop:
            return None
        body = bytes(self._received[end + 4 : stop])
        del self._received[:stop]
        method, path, _ = first.split(" ", 2)
        return Request(method, path, headers, body)

    def respond(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Send a whole response; ``headers`` may override its content type."""
        self.send_head(
            status, {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
        )
        self.transport.write(body)

    def send_head(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the status line and the headers alone."""
        phrase = HTTPStatus(status).phrase
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.transport.write(f"HTTP/1.1 {status} {phrase}\r\n{lines}\r\n".encode("latin-1"))

    async def write(self, data: bytes) -> None:
        """Send some of a body, waiting while the client does not read."""
        await self._writable.wait()
        self.transport.write(data)

    def reset(self) -> None:
        """Tear the connection down with a RST, as a crashing process does."""
        raw = self.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()
