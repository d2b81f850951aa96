"""A user of the platform, over HTTP and websocket: nothing here knows its inside."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

REQUEST_SECONDS = 30.0


class RequestFailed(Exception):
    """The platform answered with an error, or not at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A signed-in person: `address` is the platform's, without a trailing slash, `token` a JWT."""

    address: str
    username: str
    token: str = ""

    async def get(self, path: str) -> Any:
        return await self._request("GET", path, None)

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return await self._request("POST", path, body)

    async def events(self, task_id: str) -> AsyncIterator[dict[str, Any]]:
        """Yield the task's events, from the first on, as they happen."""
        address = f"{self.address.replace('http', 'ws', 1)}/ws/tasks/{task_id}/?after=0"
        protocols = [Subprotocol("a2a.jwt"), Subprotocol(self.token)]
        async with connect(address, subprotocols=protocols, proxy=None) as socket:
            async for message in socket:
                yield json.loads(message)

    async def _request(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        request = urllib.request.Request(f"{self.address}/api/v1/{path}", method=method)  # noqa: S310 - our own address
        request.add_header("Accept", "application/json")
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        return await asyncio.to_thread(answer_to, request)


def answer_to(request: urllib.request.Request) -> Any:
    """Send the request and return the JSON of the answer. Raises RequestFailed."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=REQUEST_SECONDS) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        raise RequestFailed(f"{request.method} {request.full_url}: {error.code} {error.read(500).decode()}") from error
    except (OSError, ValueError) as error:
        raise RequestFailed(f"{request.method} {request.full_url}: {error}") from error


async def signed_in(*, address: str, username: str, password: str) -> Client:
    """Return the person with a fresh token. Raises RequestFailed."""
    person = Client(address=address, username=username)
    tokens = await person.post("auth/token", {"username": username, "password": password})
    return Client(address=address, username=username, token=tokens["access"])
