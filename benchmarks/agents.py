"""Agents that cost next to nothing, so that what is measured is the platform: every answer is written beforehand.

    python -m benchmarks.agents        prints its port, serves until killed

Addresses: /<delay in ms>/<agent>, where a delay of -1 is the tempo that /tempo/<ms> has set last. `a` delegates to `b`,
`b` to `c`, `c` handles. `split` gives ten parts to `leaf-0` ... `leaf-9`, and handles when called again with their
results.
"""

import asyncio
import contextlib
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any, ClassVar, cast

import orjson
import uvloop

from benchmarks.contest import CHAIN, LEAVES

SPLIT = "split"
TEMPO = "-1"
CARD_PATH = "/.well-known/agent-card.json"
RESULT = "The report is ready: three regions grew, one shrank, and the figures stand in the table above."
_NO_INPUTS = b'"inputs":[]'


def _decision(action: str, **fields: object) -> dict[str, Any]:
    return {"action": action, "confidence": 0.9, "reason": "It is the shortest way to the result.", **fields}


def _decisions(agent: str, *, joined: bool) -> dict[str, Any]:
    if agent == SPLIT and not joined:
        parts = [{"delegated_to": leaf, "instruction": f"Do the part of {leaf}."} for leaf in LEAVES]
        return _decision("parallel", subtasks=parts)
    following = dict(pairwise(CHAIN)).get(agent)
    return _decision("delegate", delegated_to=following) if following else _decision("handle", result=RESULT)


def _response(body: object) -> bytes:
    content = orjson.dumps(body)
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
        len(content),
        content,
    )


@cache
def _answer(agent: str, joined: bool) -> bytes:  # noqa: FBT001 - the cache's key
    """Return the response to SendMessage: a message whose data part is the decision."""
    part = {"data": _decisions(agent, joined=joined), "mediaType": "application/json"}
    message = {"messageId": f"answer-of-{agent}", "role": "ROLE_AGENT", "parts": [part]}
    return _response({"jsonrpc": "2.0", "id": "1", "result": {"message": message}})


@cache
def _card(url: str) -> bytes:
    return _response(
        {
            "name": url,
            "description": "Decides by heart.",
            "version": "1",
            "supportedInterfaces": [{"url": url, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}],
            "capabilities": {},
            "defaultInputModes": ["text/plain"],
            "defaultOutputModes": ["text/plain"],
            "skills": [],
        }
    )


class Connection(asyncio.Protocol):
    """One keep-alive connection; requests come one after the other."""

    tempo_ms: ClassVar[int] = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        place = head.lower().find(b"content-length:")
        length = 0 if place < 0 else int(head[place + 15 :].partition(b"\r\n")[0])
        if len(rest) < length:
            return
        self._received = rest[length:]
        self._serve(head.split(b" ", 2)[1].decode(), rest[:length])

    def _serve(self, path: str, body: bytes) -> None:
        if path.endswith(CARD_PATH):
            host, port = self._transport.get_extra_info("sockname")[:2]
            self._transport.write(_card(f"http://{host}:{port}{path.removesuffix(CARD_PATH)}"))
            return
        _, delay, agent = path.split("/")
        if delay == "tempo":
            Connection.tempo_ms = int(agent)
            self._transport.write(_response({}))
            return
        answer = _answer(agent, agent == SPLIT and _NO_INPUTS not in body)
        delay_ms = Connection.tempo_ms if delay == TEMPO else int(delay)
        if delay_ms == 0:
            self._transport.write(answer)
        else:
            asyncio.get_running_loop().call_later(delay_ms / 1000, self._answer_late, answer)

    def _answer_late(self, answer: bytes) -> None:
        if not self._transport.is_closing():  # Whoever asked may have been killed meanwhile.
            self._transport.write(answer)


async def serve() -> None:
    """Serve on a port of its own, which is printed, until killed."""
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextlib.contextmanager
def agents_running() -> Iterator[tuple[str, int]]:
    """Run the agents in a process of their own; give their base address and their process id."""
    with subprocess.Popen([sys.executable, "-m", "benchmarks.agents"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}", process.pid
        finally:
            process.kill()


def set_tempo(agents_url: str, *, delay_ms: int) -> None:
    """Have the agents that keep to the tempo answer after so long from now on."""
    with urllib.request.urlopen(f"{agents_url}/tempo/{delay_ms}", timeout=10):
        pass


if __name__ == "__main__":
    uvloop.run(serve())
