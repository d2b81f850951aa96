"""One keep-alive HTTP/1.1 connection: asyncio carries the bytes, llhttp (httptools) reads them."""

import asyncio
import zlib
from collections.abc import Callable
from typing import NamedTuple, cast

import httptools

from delegation.errors import AgentError, AgentResponseTooLarge, InvalidAgentResponse
from delegation.gateway.transient import StaleConnection, Transient

_MAX_HEAD_BYTES = 64 * 1024
_WITHOUT_BODY = frozenset({204, 304})
_EITHER_ZLIB_OR_GZIP = 32 + zlib.MAX_WBITS


class HttpResponse(NamedTuple):
    """A whole response; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class HttpConnection(asyncio.Protocol):
    """Exchange one request after the other. Whatever goes wrong closes the connection."""

    def __init__(self, *, max_body_bytes: int, on_closed: Callable[["HttpConnection"], None]) -> None:
        self._max_body_bytes = max_body_bytes
        self._on_closed = on_closed
        self._transport: asyncio.Transport
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[HttpResponse] | None = None
        self._used = False
        self.idle_since = 0.0
        self.closed = False

    def exchange(self, request: bytes) -> asyncio.Future[HttpResponse]:
        """Send the request's bytes and return the whole response to come. Whoever stops waiting closes the connection.

        The future raises:
            StaleConnection: the connection had served before and was closed without a byte of an answer.
            Transient: it was closed before the answer was complete.
            InvalidAgentResponse: the answer is not HTTP.
            AgentResponseTooLarge: the body, as sent or unpacked, is over the limit; the rest is not read.
        """
        self._begin()
        waiter: asyncio.Future[HttpResponse] = asyncio.get_running_loop().create_future()
        self._waiter = waiter
        self._transport.write(request)
        return waiter

    @property
    def reusable(self) -> bool:
        """Tell whether the next request may use this connection."""
        return self._keep_alive and not self.closed and not self._transport.get_write_buffer_size()

    def close(self) -> None:
        """Close at once, with whatever is under way."""
        self.closed = True
        self._transport.abort()

    def _begin(self) -> None:
        self._status = 0
        self._headers: dict[str, str] = {}
        self._chunks: list[bytes] = []
        self._received_bytes = 0
        self._body_bytes = 0
        self._keep_alive = False
        self._until_close = False
        self._head_complete = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._waiter is None or self._waiter.done():
            # Bytes that nobody asked for would be taken for the answer to the next request.
            self.close()
            return
        self._received_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(InvalidAgentResponse(internal=f"not HTTP: {error}"))
        if not self._head_complete and self._received_bytes > _MAX_HEAD_BYTES:
            self._fail(InvalidAgentResponse(internal="the response's headers do not end"))

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._on_closed(self)
        if self._waiter is None or self._waiter.done():
            return
        if self._until_close and exc is None:
            self._finish()
        elif self._used and not self._received_bytes:
            self._fail(StaleConnection(internal=f"an idle connection was closed: {exc!r}"))
        else:
            self._fail(Transient(internal=f"the connection was closed after {self._received_bytes} bytes: {exc!r}"))

    def on_message_begin(self) -> None:
        if self._status >= 200:
            self._fail(InvalidAgentResponse(internal="more than one response to a request"))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()
        if self._status < 200:
            self._headers = {}
            return
        self._head_complete = True
        self._keep_alive = self._parser.should_keep_alive()
        length = self._headers.get("content-length")
        if length is not None and int(length) > self._max_body_bytes:
            self._fail(AgentResponseTooLarge(internal=f"a body of {length} bytes was announced"))
        framed = length is not None or "transfer-encoding" in self._headers
        self._until_close = not framed and self._status not in _WITHOUT_BODY

    def on_body(self, data: bytes) -> None:
        self._body_bytes += len(data)
        if self._body_bytes > self._max_body_bytes:
            self._fail(AgentResponseTooLarge(internal=f"the body is over {self._max_body_bytes} bytes"))
            self._chunks.clear()
        else:
            self._chunks.append(data)

    def on_message_complete(self) -> None:
        if self._status >= 200:
            self._finish()

    def _finish(self) -> None:
        if self._waiter is None or self._waiter.done():
            return
        body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        encoding = self._headers.get("content-encoding", "identity")
        if encoding != "identity":
            try:
                body = unpacked(body, encoding=encoding.lower(), max_bytes=self._max_body_bytes)
            except AgentError as error:
                self._fail(error)
                return
        self._waiter.set_result(HttpResponse(self._status, self._headers, body))
        self._waiter = None
        self._used = True

    def _fail(self, error: AgentError) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)
        self.close()


def unpacked(body: bytes, *, encoding: str, max_bytes: int) -> bytes:
    """Undo a content encoding, stopping where the limit is passed.

    Raises:
        AgentResponseTooLarge: there is more than ``max_bytes`` in it.
        InvalidAgentResponse: an encoding that we did not ask for, or damaged content.
    """
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise InvalidAgentResponse(internal="unknown content encoding").quoting(encoding)
    unpacking = zlib.decompressobj(_EITHER_ZLIB_OR_GZIP)
    try:
        plain = unpacking.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise InvalidAgentResponse(internal=f"damaged {encoding}: {error}") from error
    if len(plain) > max_bytes:
        raise AgentResponseTooLarge(internal=f"the unpacked body is over {max_bytes} bytes")
    if not unpacking.eof:
        raise InvalidAgentResponse(internal=f"truncated {encoding}")
    return plain
