"""A store for an event loop where the database has no protocol to wait by: on a thread of its own."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import TypeVar
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection

from delegation.store.records import AgentKey, Claims, DatabaseAway, NewTask, Row, Settled, Settlement, Store

T = TypeVar("T")


class ThreadedStore:
    """See ``records.LoopStore``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")

    async def commit(
        self, tasks: Sequence[NewTask], settlements: Sequence[Settlement]
    ) -> tuple[list[bool], list[Settled]]:
        return await self._there(partial(self._commit, tasks, settlements))

    async def claim(
        self, *, owner: UUID, limit: int, now: datetime, agent_limit: int, taken: Mapping[AgentKey, int]
    ) -> Claims:
        claim = self._store.claim
        return await self._there(
            partial(claim, owner=owner, limit=limit, now=now, agent_limit=agent_limit, taken=taken)
        )

    async def attempt(self, hop_id: UUID, *, customer_id: str) -> list[Row]:  # noqa: ARG002 - rows are nobody's here
        return await self._there(partial(self._store.attempt, hop_id))

    async def close(self) -> None:
        # Looked up there: each thread has its own connection.
        await self._there(lambda: connection.close())  # noqa: PLW0108
        self._thread.shutdown()

    async def _there(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    def _commit(self, tasks: Sequence[NewTask], settlements: Sequence[Settlement]) -> tuple[list[bool], list[Settled]]:
        try:
            return self._store.commit(tasks, settlements)
        except (OperationalError, InterfaceError) as error:
            if connection.connection is not None and connection.is_usable():
                raise
            connection.close()
            raise DatabaseAway(str(error)) from error
