"""Pokes whoever watches: "this task has moved". What has happened is then read from the database.

One message for all that happened within a moment, so that a chain of commits costs its watchers one look; none where
nobody watches.
"""

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import UUID

import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from delegation.live.watched import watched

log = structlog.get_logger(__name__)
_MOMENT_SECONDS = 0.02
# The group of those who would know of every task that moves, whosever it is: processes, never clients.
EVERY_TASK = "tasks"

Moved = Mapping[UUID, tuple[str, int]]
Messages = dict[str, list[str]]


def task_group(task_id: UUID | str) -> str:
    return f"task.{task_id}"


def customer_group(customer_id: str) -> str:
    return f"customer.{customer_id}"


class Feed:
    """One per process. With a loop of its own (``start``) it gathers and sends in the background, else at once."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pending: dict[UUID, tuple[str, int]] = {}
        self._asking = ThreadPoolExecutor(1, thread_name_prefix="feed")

    def start(self) -> bool:
        """Send from the running loop from now on; return False where it does so already (`up` runs web and worker)."""
        if self._loop is not None:
            return False
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        self._news = asyncio.Event()
        self._sender = asyncio.create_task(self._send_on())
        return True

    async def stop(self) -> None:
        """Send what is left, and stop."""
        self._loop = None
        self._sender.cancel()
        with suppress(asyncio.CancelledError):
            await self._sender
        await self._send_pending()

    def announce(self, moved: Moved) -> None:
        """Tell the watchers of these tasks: {task id: (customer id, newest event number)}. Callable from any thread.

        A channel layer that is away costs the watchers a moment, never the caller an error.
        """
        if self._loop is None:
            _send_now(_messages(moved))
        elif self._thread == threading.get_ident():
            self._gather(moved)
        else:
            self._loop.call_soon_threadsafe(self._gather, moved)

    def _gather(self, moved: Moved) -> None:
        self._pending.update(moved)
        self._news.set()

    async def _send_on(self) -> None:
        while True:
            await self._news.wait()
            await asyncio.sleep(_MOMENT_SECONDS)
            await self._send_pending()

    async def _send_pending(self) -> None:
        self._news.clear()
        moved, self._pending = self._pending, {}
        messages = _messages(moved)
        # Not asyncio.to_thread: in a context of its own the cache would open a connection for each call.
        if heeded := await asyncio.get_running_loop().run_in_executor(self._asking, _heeded, messages):
            await _send(heeded)


def _messages(moved: Moved) -> Messages:
    """Return what each group is to be told: which of its tasks have moved."""
    messages: Messages = {EVERY_TASK: []}
    for task_id, (customer_id, _) in moved.items():
        named = str(task_id)
        messages[task_group(named)] = [named]
        messages.setdefault(customer_group(customer_id), []).append(named)
        messages[EVERY_TASK].append(named)
    return messages


def _heeded(messages: Messages) -> Messages:
    """Return the messages that somebody watches for."""
    try:
        return {group: messages[group] for group in watched(messages)}
    except (OSError, RedisError) as error:
        log.warning("cache is away", error=str(error))
        return {}


def _send_now(messages: Messages) -> None:
    if heeded := _heeded(messages):
        async_to_sync(_send)(heeded)


async def _send(messages: Messages) -> None:
    layer = get_channel_layer()
    try:
        for group, task_ids in messages.items():
            await layer.group_send(group, {"type": "tasks.moved", "task_ids": task_ids})
    except (OSError, RedisError) as error:
        log.warning("live layer is away", error=str(error))


feed = Feed()
