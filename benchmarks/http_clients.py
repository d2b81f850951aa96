"""What one agent call costs our process with each HTTP client: 1 KB JSON POST, keep-alive, many in flight.

    python -m benchmarks.http_clients [--calls 6000] [--in-flight 128] [--rounds 3]

The agent answers in another process. CPU is that of the calling process with all its threads, per call; medians of
the rounds.
"""

import argparse
import asyncio
import contextlib
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
import httpx
import uvloop
from pyreqwest.client import ClientBuilder

from delegation.gateway.http_pool import HttpPool
from security.outbound import AddressPolicy

Call = Callable[[], Awaitable[bytes]]
BODY = b'{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{"text":"' + b"x" * 950 + b'"}}'
HEADERS = {"content-type": "application/json", "x-customer-id": "acmecorp", "a2a-version": "1.0"}
LIMIT_BYTES = 8 * 1024 * 1024
TIMEOUT_SECONDS = 60.0


class Agent(asyncio.Protocol):
    """Answer each POST with 1 KB of JSON, doing as little as possible."""

    answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(BODY), BODY)

    def __init__(self) -> None:
        self.waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        if self.waiting.endswith(BODY):
            self.waiting = b""
            self.transport.write(self.answer)  # type: ignore[attr-defined]


async def serve_agent() -> None:
    """Serve until killed, after printing the port."""
    server = await asyncio.get_running_loop().create_server(Agent, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextlib.contextmanager
def agent_url() -> Iterator[str]:
    """Run the agent in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.http_clients", "--serve"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/agent"
        process.kill()


@contextlib.asynccontextmanager
async def gateways_own(url: str) -> AsyncIterator[Call]:
    policy = AddressPolicy(allowed_hosts=("127.0.0.1",))
    pool = HttpPool(policy=policy, max_response_bytes=LIMIT_BYTES, max_connections=1024, max_connections_per_host=256)

    async def call() -> bytes:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return (await pool.request("POST", url, headers=HEADERS, body=BODY)).body

    yield call
    await pool.close()


@contextlib.asynccontextmanager
async def pyreqwest_whole(url: str) -> AsyncIterator[Call]:
    async with ClientBuilder().no_proxy().follow_redirects(enable=False).build() as client:

        async def call() -> bytes:
            request = client.post(url).headers(HEADERS).body_bytes(BODY).timeout(timedelta(seconds=TIMEOUT_SECONDS))
            response = await request.build().send()
            return bytes(await response.bytes())

        yield call


@contextlib.asynccontextmanager
async def pyreqwest_limited(url: str) -> AsyncIterator[Call]:
    async with ClientBuilder().no_proxy().follow_redirects(enable=False).build() as client:

        async def call() -> bytes:
            request = client.post(url).headers(HEADERS).body_bytes(BODY).timeout(timedelta(seconds=TIMEOUT_SECONDS))
            async with request.build_streamed() as response:
                body = b""
                while (chunk := await response.body_reader.read(65536)) is not None:
                    body += chunk
                    assert len(body) < LIMIT_BYTES
                return body

        yield call


@contextlib.asynccontextmanager
async def aiohttp_limited(url: str) -> AsyncIterator[Call]:
    connector = aiohttp.TCPConnector(limit=0, limit_per_host=256)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def call() -> bytes:
            async with session.post(url, data=BODY, headers=HEADERS, allow_redirects=False) as response:
                body = bytearray()
                async for chunk in response.content.iter_any():
                    body += chunk
                    assert len(body) < LIMIT_BYTES
                return bytes(body)

        yield call


@contextlib.asynccontextmanager
async def httpx_whole(url: str) -> AsyncIterator[Call]:
    limits = httpx.Limits(max_connections=256, max_keepalive_connections=256)
    async with httpx.AsyncClient(limits=limits, timeout=TIMEOUT_SECONDS, trust_env=False) as client:

        async def call() -> bytes:
            return (await client.post(url, content=BODY, headers=HEADERS)).content

        yield call


CLIENTS = {
    "gateway's own (asyncio, llhttp)": gateways_own,
    "pyreqwest, whole body": pyreqwest_whole,
    "pyreqwest, streamed with limit": pyreqwest_limited,
    "aiohttp, streamed with limit": aiohttp_limited,
    "httpx, whole body": httpx_whole,
}


@dataclass(frozen=True, slots=True)
class Figures:
    cpu_ms: float
    calls_per_second: float


async def measure(
    client: Callable[[str], contextlib.AbstractAsyncContextManager[Call]], url: str, *, calls: int, in_flight: int
) -> Figures:
    """Make the calls after a warm-up that opens the connections."""
    async with client(url) as call:

        async def worker(count: int) -> None:
            for _ in range(count):
                assert len(await call()) == len(BODY)

        await asyncio.gather(*(worker(2) for _ in range(in_flight)))
        wall, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(worker(calls // in_flight) for _ in range(in_flight)))
        made = calls // in_flight * in_flight
        seconds = time.perf_counter() - wall
        return Figures((time.process_time() - cpu) * 1000 / made, made / seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=6000)
    parser.add_argument("--in-flight", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        uvloop.run(serve_agent())
        return
    print(f"{'client':<34}{'loop':<10}{'CPU ms/call':>12}{'calls/s':>10}")
    with agent_url() as url:
        for name, client in CLIENTS.items():
            for loop, run in {"asyncio": asyncio.run, "uvloop": uvloop.run}.items():
                rounds = [
                    run(measure(client, url, calls=options.calls, in_flight=options.in_flight))
                    for _ in range(options.rounds)
                ]
                cpu = statistics.median(each.cpu_ms for each in rounds)
                rate = statistics.median(each.calls_per_second for each in rounds)
                print(f"{name:<34}{loop:<10}{cpu:>12.3f}{rate:>10.0f}", flush=True)


if __name__ == "__main__":
    main()
