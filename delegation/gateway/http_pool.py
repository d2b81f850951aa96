"""Keep-alive connections to every agent's host, each made to an address that the policy has just permitted."""

import asyncio
import functools
import socket
import ssl
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from delegation.errors import AgentUnavailable
from delegation.gateway.http_connection import HttpConnection, HttpResponse
from delegation.gateway.transient import StaleConnection, Transient
from security.outbound import AddressPolicy

_CONNECT_SECONDS = 10.0
_PATH_SAFE = "/%:@!$&'()*+,;=~"


@dataclass(frozen=True, slots=True)
class Origin:
    secure: bool
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Apart:
    """Whose connections these are: they serve no other customer. ``tls`` shows a client certificate."""

    customer_id: str
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart once: where to connect, and how a request line and Host header name it."""

    origin: Origin
    path: str
    host_header: str


class _Lane:
    """The connections to one origin, everybody's or a customer's own: how many may be busy, and which are idle.

    The last used is the first reused.
    """

    __slots__ = ("busy", "idle", "limit", "tls")

    def __init__(self, max_connections: int, tls: ssl.SSLContext | None) -> None:
        self.tls = tls
        self.limit = asyncio.Semaphore(max_connections)
        self.idle: deque[HttpConnection] = deque()
        self.busy = 0


class HttpPool:
    """Send requests from one asyncio loop. Redirects and the environment's proxies are never followed."""

    def __init__(
        self,
        *,
        policy: AddressPolicy,
        max_response_bytes: int,
        max_connections: int,
        max_connections_per_host: int,
        idle_seconds: float = 25.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._policy = policy
        self._max_response_bytes = max_response_bytes
        self._max_connections_per_host = max_connections_per_host
        self._limit = asyncio.Semaphore(max_connections)
        self._max_connections = max_connections
        self._idle_seconds = idle_seconds
        self._tls = tls
        self._lanes: dict[tuple[Origin, Apart | None], _Lane] = {}
        self._open: set[HttpConnection] = set()
        self._all_closed = asyncio.Event()
        self._sweeping: asyncio.TimerHandle | None = None

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", apart: Apart | None = None
    ) -> HttpResponse:
        """Send one request and return the whole response. With ``apart``, on connections that are the customer's own.

        Raises:
            AddressRefused: the host resolves to nothing that may be called.
            Transient, AgentUnavailable: the host cannot be reached, or dropped the connection.
            InvalidAgentResponse, AgentResponseTooLarge: what came back is not to be read.
        """
        target = target_of(url)
        request = _head(method, target, headers, len(body)) + body
        key = target.origin, apart
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Lane(self._max_connections_per_host, apart.tls if apart else None)
        lane.busy += 1
        try:
            async with lane.limit, self._limit:
                return await self._exchange(target.origin, lane, request)
        finally:
            lane.busy -= 1

    async def close(self) -> None:
        """Close every connection, with what is under way on it, and wait until they are gone."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        for connection in list(self._open):
            connection.close()
        if self._open:
            await self._all_closed.wait()

    async def _exchange(self, origin: Origin, lane: _Lane, request: bytes) -> HttpResponse:
        connection = _idle_connection(lane) or await self._connect(origin, lane.tls)
        try:
            response = await connection.exchange(request)
        except StaleConnection:
            # The agent was restarted, most likely: the next try is to find no other connection of the same age.
            _close_idle(lane)
            raise
        except BaseException:
            # Also where whoever asked has stopped waiting: what is still to come is nobody's answer.
            connection.close()
            raise
        self._release(lane, connection)
        return response

    def _release(self, lane: _Lane, connection: HttpConnection) -> None:
        if not connection.reusable or len(self._open) > self._max_connections:
            connection.close()
            return
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        lane.idle.append(connection)
        if self._sweeping is None:
            self._sweeping = loop.call_later(self._idle_seconds / 2, self._sweep)

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        oldest = loop.time() - self._idle_seconds
        for key, lane in list(self._lanes.items()):
            while lane.idle and (lane.idle[0].closed or lane.idle[0].idle_since < oldest):
                lane.idle.popleft().close()
            if not lane.idle and not lane.busy:
                del self._lanes[key]
        self._sweeping = loop.call_later(self._idle_seconds / 2, self._sweep) if self._lanes else None

    def _forget(self, connection: HttpConnection) -> None:
        self._open.discard(connection)
        if not self._open:
            self._all_closed.set()

    async def _connect(self, origin: Origin, tls: ssl.SSLContext | None) -> HttpConnection:
        permitted = self._policy.permitted(origin.host, await _resolve(origin))
        for address in permitted[:-1]:
            try:
                return await self._connect_to(address, origin, tls)
            except AgentUnavailable:
                continue
        return await self._connect_to(permitted[-1], origin, tls)

    async def _connect_to(self, address: str, origin: Origin, own_tls: ssl.SSLContext | None) -> HttpConnection:
        def connection() -> HttpConnection:
            return HttpConnection(max_body_bytes=self._max_response_bytes, on_closed=self._forget)

        loop = asyncio.get_running_loop()
        tls = (own_tls or self._tls_context()) if origin.secure else None
        name = origin.host.rstrip(".") if origin.secure else None
        try:
            async with asyncio.timeout(_CONNECT_SECONDS) as limit:
                _, made = await loop.create_connection(connection, address, origin.port, ssl=tls, server_hostname=name)
        except ssl.SSLError as error:
            raise AgentUnavailable(internal=f"TLS with {origin.host} ({address}): {error}") from error
        except OSError as error:
            # A TimeoutError is an OSError too; the caller's own time limit shows as a cancellation here.
            failure = AgentUnavailable if limit.expired() else Transient
            raise failure(internal=f"cannot connect to {origin.host} ({address}): {error!r}") from error
        self._open.add(made)
        self._all_closed.clear()
        return made

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls


def _idle_connection(lane: _Lane) -> HttpConnection | None:
    while lane.idle:
        connection = lane.idle.pop()
        if not connection.closed:
            return connection
    return None


def _close_idle(lane: _Lane) -> None:
    while lane.idle:
        lane.idle.pop().close()


async def _resolve(origin: Origin) -> list[str]:
    try:
        return [str(ip_address(origin.host))]
    except ValueError:
        pass
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AgentUnavailable(internal=f"cannot resolve {origin.host}: {error}") from error
    # A link-local address comes with its zone (fe80::1%eth0), which the policy need not know to refuse it.
    return [str(address[0]).partition("%")[0] for *_, address in found]


@functools.lru_cache(maxsize=4096)
def target_of(url: str) -> Target:
    """Take an address apart. The policy has checked its form before."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    host = parts.hostname or ""
    if not host.isascii():
        host = host.encode("idna").decode("ascii")
    default_port = 443 if secure else 80
    shown = f"[{host}]" if ":" in host else host
    host_header = shown if parts.port in (None, default_port) else f"{shown}:{parts.port}"
    path = quote(parts.path or "/", safe=_PATH_SAFE) + (
        f"?{quote(parts.query, safe=_PATH_SAFE + '?')}" if parts.query else ""
    )
    return Target(Origin(secure, host, parts.port or default_port), path, host_header)


def _head(method: str, target: Target, headers: Mapping[str, str], length: int) -> bytes:
    opening = f"{method} {target.path} HTTP/1.1", f"host: {target.host_header}", f"content-length: {length}"
    lines = [*opening, *(f"{name}: {value}" for name, value in headers.items())]
    said = "".join(lines)
    if "\n" in said or "\r" in said or "\0" in said:
        raise AgentUnavailable(internal="a header or path of the request holds a line break or NUL")
    try:
        return "\r\n".join([*lines, "", ""]).encode("latin-1")
    except UnicodeEncodeError as error:
        raise AgentUnavailable(internal="a header or path of the request is not Latin-1") from error
