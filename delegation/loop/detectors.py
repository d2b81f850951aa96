"""The leak detector as a worker uses it: with every customer that is committed, at no cost to a scan."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import structlog
from django.db import DatabaseError, connection

from security.leak_index import LeakIndex
from security.leakage import Detector
from security.tenant_changes import CHANNEL

log = structlog.get_logger(__name__)
_RETRY_SECONDS = 1.0
# Of what Django connects with, what a connection beside its own is not to have.
_DJANGOS_OWN = ("cursor_factory", "context", "pool", "prepare_threshold")


class Detectors:
    """Follows the changes of customers.

    PostgreSQL tells of each at its commit, on a connection that does nothing but listen; ``refresh``, called now and
    then, finds what was told while nobody listened. SQLite tells nothing: there each scan asks first, at little cost.
    """

    def __init__(self, index: LeakIndex, *, refresh: Callable[[], Awaitable[Any]]) -> None:
        self._index = index
        self.refresh = refresh
        self._listens = connection.vendor == "postgresql"

    async def current(self) -> Detector:
        """Return the detector for the next scan."""
        if not self._listens:
            await self.refresh()
        return self._index.detector

    async def listen(self) -> None:
        """Refresh at each change that is told, until cancelled."""
        if not self._listens:
            await asyncio.Event().wait()
        while True:
            try:
                await self._listen()
            except (psycopg.Error, DatabaseError, OSError) as error:
                log.warning("cannot listen for changes of customers", error=type(error).__name__)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _listen(self) -> None:
        own = {name: value for name, value in connection.get_connection_params().items() if name not in _DJANGOS_OWN}
        async with await psycopg.AsyncConnection.connect(**own, autocommit=True) as listening:
            await listening.execute(f"LISTEN {CHANNEL}")
            # What changed before anybody listened.
            await self.refresh()
            async for _ in listening.notifies():
                await self.refresh()
