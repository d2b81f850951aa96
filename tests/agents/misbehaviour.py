"""The ways in which agents fail, each as a step of a script."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from tests.agents.answers import Call
from tests.agents.connection import Connection

_CHUNK = bytes(64 * 1024).replace(b"\0", b"x")


@dataclass(frozen=True, slots=True)
class Hang:
    """Take the call and never answer."""

    async def play(self, call: Call, connection: Connection) -> None:
        await connection.closed.wait()


@dataclass(frozen=True, slots=True)
class Refuse:
    """Reset the connection without a byte of answer (where nobody listens at all: ``AgentServer.refused_url``)."""

    def play(self, call: Call, connection: Connection) -> None:
        connection.reset()


@dataclass(frozen=True, slots=True)
class Drop:
    """Close the connection politely without a byte of answer, as a server does whose keep-alive time is over."""

    def play(self, call: Call, connection: Connection) -> None:
        connection.transport.close()


@dataclass(frozen=True, slots=True)
class DropMidBody:
    """Promise a body and close after its first half."""

    def play(self, call: Call, connection: Connection) -> None:
        connection.send_head(200, {"content-type": "application/json", "content-length": "100"})
        connection.transport.write(b'{"jsonrpc":"2.0","id":1,"result":{"message":{')
        connection.transport.close()


@dataclass(frozen=True, slots=True)
class Raw:
    """Answer these bytes as they are, under these headers."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def play(self, call: Call, connection: Connection) -> None:
        connection.respond(self.status, self.body, self.headers)


def Status(code: int, **headers: str) -> Raw:  # noqa: N802  reads as a step
    """Answer with an HTTP status alone; ``retry_after="1"`` becomes the header Retry-After."""
    return Raw(b'{"error":"as scripted"}', code, {name.replace("_", "-"): value for name, value in headers.items()})


def Html(status: int = 200) -> Raw:  # noqa: N802
    """Answer with a web page, as a proxy in between does."""
    return Raw(b"<!doctype html><html><body>Welcome</body></html>", status, {"content-type": "text/html"})


def Nested(depth: int = 100_000) -> Raw:  # noqa: N802
    """Answer with JSON nested this deep."""
    return Raw(b'{"jsonrpc":"2.0","id":1,"result":' + b"[" * depth + b"]" * depth + b"}")


def Redirect(to: str) -> Raw:  # noqa: N802
    """Send the client elsewhere."""
    return Raw(b"", 307, {"location": to})


@dataclass(frozen=True, slots=True)
class RpcError:
    """Answer with a JSON-RPC error object."""

    code: int
    message: str = "as scripted"

    def play(self, call: Call, connection: Connection) -> None:
        error = {"code": self.code, "message": self.message}
        connection.respond(200, orjson.dumps({"jsonrpc": "2.0", "id": call.body.get("id"), "error": error}))


@dataclass(frozen=True, slots=True)
class Huge:
    """Stream a text of this many bytes, with its length declared or chunked."""

    size: int = 100 * 1024 * 1024
    declared: bool = False

    async def play(self, call: Call, connection: Connection) -> None:
        length = {"content-length": str(self.size)} if self.declared else {"transfer-encoding": "chunked"}
        connection.send_head(200, {"content-type": "application/json", **length})
        for _ in range(self.size // len(_CHUNK)):
            await connection.write(_CHUNK if self.declared else b"10000\r\n" + _CHUNK + b"\r\n")
        if not self.declared:
            await connection.write(b"0\r\n\r\n")


@dataclass(frozen=True, slots=True)
class Trickle:
    """Send a body byte by byte, so that no single read ever takes long."""

    seconds_per_byte: float = 0.05
    size: int = 10_000

    async def play(self, call: Call, connection: Connection) -> None:
        connection.send_head(200, {"content-type": "application/json", "content-length": str(self.size)})
        for _ in range(self.size):
            await connection.write(b" ")
            await asyncio.sleep(self.seconds_per_byte)
