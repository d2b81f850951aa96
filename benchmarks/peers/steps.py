"""One step of a chain, as the asynchronous and the threaded peers take it: an agent's call and its audit row."""

from typing import Any

import aiohttp
import orjson
import urllib3
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from benchmarks.contest import request_body
from benchmarks.peers.audit import DATABASE_URL, INSERT_AUDIT, INSERT_TASK, agent_url

_HEADERS = {"content-type": "application/json"}


def decision_in(answer: bytes) -> dict[str, Any]:
    """Return the decision in an agent's answer."""
    decision: dict[str, Any] = orjson.loads(answer)["result"]["message"]["parts"][0]["data"]
    return decision


class AsyncSteps:
    """Steps on an asyncio loop, which must be running when this is made."""

    def __init__(self, *, connections: int = 16) -> None:
        self.pool = AsyncConnectionPool(
            DATABASE_URL, min_size=connections, max_size=connections, kwargs={"autocommit": True}, open=False
        )
        self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def open(self) -> None:
        await self.pool.open(wait=True)

    async def close(self) -> None:
        await self.session.close()
        await self.pool.close()

    async def begin(self, task_id: str) -> None:
        await self.write(INSERT_TASK, (task_id,))

    async def take(self, task_id: str, agent: str, *, delay_ms: int) -> dict[str, Any]:
        """Call the agent and write the audit row; return the decision."""
        body = orjson.dumps(request_body(task_id, agent))
        async with self.session.post(agent_url(delay_ms, agent), data=body, headers=_HEADERS) as response:
            decision = decision_in(await response.read())
        await self.write(INSERT_AUDIT, (task_id, agent, orjson.dumps(decision).decode()))
        return decision

    async def write(self, sql: str, values: tuple[str, ...]) -> None:
        async with self.pool.connection() as connection:
            await connection.execute(sql, values)

    async def row(self, sql: str, values: tuple[str, ...]) -> Any:
        """Return the first row, or None."""
        async with self.pool.connection() as connection:
            return await (await connection.execute(sql, values)).fetchone()


class Steps:
    """Steps on threads, each with its share of the connections."""

    def __init__(self, *, connections: int) -> None:
        self._pool = ConnectionPool(
            DATABASE_URL, min_size=1, max_size=connections, kwargs={"autocommit": True}, open=True
        )
        self._http = urllib3.PoolManager(maxsize=connections)

    def begin(self, task_id: str) -> None:
        self._write(INSERT_TASK, (task_id,))

    def take(self, task_id: str, agent: str, *, delay_ms: int) -> dict[str, Any]:
        """Call the agent and write the audit row; return the decision."""
        body = orjson.dumps(request_body(task_id, agent))
        answer = self._http.request("POST", agent_url(delay_ms, agent), body=body, headers=_HEADERS)
        decision = decision_in(answer.data)
        self._write(INSERT_AUDIT, (task_id, agent, orjson.dumps(decision).decode()))
        return decision

    def _write(self, sql: str, values: tuple[str, ...]) -> None:
        with self._pool.connection() as connection:
            connection.execute(sql, values)
