"""Requests that wait for their tasks: an entry each, and one look at the database for all that have moved.

No thread, no connection and no query of its own: however many wait, a process is told of what moves by one message
each moment, and reads what has come of it in one statement.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

import structlog
from channels.db import DatabaseSyncToAsync
from channels.layers import get_channel_layer
from django.db import DatabaseError
from redis.exceptions import RedisError

from delegation.live.feed import EVERY_TASK
from delegation.live.watched import RENEW_SECONDS, watch
from delegation.models import Task
from delegation.states import TASK_ENDED, TaskStatus
from security.rows import platform_rows
from security.rows.lookup import Lookup

# What a lost message costs at most.
LOOK_AGAIN_SECONDS = 1.0
MOMENT_SECONDS = 0.02
MOST_WAITING = 10_000
# A person's word may take days: who waits is better told that it is asked for.
_task_at_rest = Lookup(Task, "id", status__in=sorted([*TASK_ENDED, TaskStatus.INPUT_REQUIRED]))

P = ParamSpec("P")
R = TypeVar("R")
Render = Callable[[Task], bytes]
log = structlog.get_logger(__name__)


class Waiting:
    """One per process, on its web server's loop from ``start`` to ``stop``."""

    def __init__(self) -> None:
        self._renders: dict[UUID, dict[asyncio.Future[bytes | None], Render]] = {}
        self._moved: set[UUID] = set()
        self._background: list[asyncio.Task[None]] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="waiting")

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()

    async def stop(self) -> None:
        self.release()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        self._background = []

    def release(self) -> None:
        """Let everybody go with what there is: the server is about to end."""
        for renders in self._renders.values():
            for future in renders:
                if not future.done():
                    future.set_result(None)

    async def at_rest(self, task_id: UUID, *, seconds: float, render: Render) -> bytes:
        """Return the task, rendered, once it has ended or waits for a person; after so many seconds as it stands.

        That the caller may see it is for the caller to know. ``render`` runs in a thread and may use the database.
        Raises DatabaseError.
        """
        if len(self._renders) < MOST_WAITING:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    rendered = await self._rendered(task_id, render)
                if rendered is not None:
                    return rendered
        return await self._in_thread(_as_it_stands, task_id, render)

    async def _rendered(self, task_id: UUID, render: Render) -> bytes | None:
        future: asyncio.Future[bytes | None] = self._loop.create_future()
        self._renders.setdefault(task_id, {})[future] = render
        # It may have come to rest before anybody waited for it.
        self._notice([task_id])
        if not self._background:
            self._background = [asyncio.create_task(work()) for work in (self._listen, self._keep_watched, self._look)]
        try:
            return await future
        finally:
            renders = self._renders[task_id]
            del renders[future]
            if not renders:
                del self._renders[task_id]

    def _notice(self, task_ids: Iterable[UUID]) -> None:
        moved = self._renders.keys() & set(task_ids)
        if moved:
            self._moved |= moved
            self._news.set()

    async def _listen(self) -> None:
        layer = get_channel_layer()
        while True:
            try:
                channel = await layer.new_channel()
                await layer.group_add(EVERY_TASK, channel)
                while True:
                    message = await layer.receive(channel)
                    self._notice(map(UUID, message["task_ids"]))
            except (RedisError, OSError) as error:
                log.warning("waiting without wake-ups", error=repr(error))
                await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def _keep_watched(self) -> None:
        while True:
            try:
                # In the thread's own context: in another the cache would open a connection for each call.
                await self._loop.run_in_executor(self._thread, watch, EVERY_TASK)
                await asyncio.sleep(RENEW_SECONDS)
            except (RedisError, OSError) as error:
                log.warning("waiting without wake-ups", error=repr(error))
                await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def _look(self) -> None:
        """Look at what has moved, and once in a while at all that is waited for."""
        while True:
            try:
                await asyncio.wait_for(self._news.wait(), LOOK_AGAIN_SECONDS)
            except TimeoutError:
                self._moved = set(self._renders)
            self._news.clear()
            moved, self._moved = self._moved, set()
            if moved:
                try:
                    await self._tell(moved)
                except DatabaseError as error:
                    log.warning("waiting for the database", error=repr(error))
                except Exception:
                    # The edge of this task: with it, everybody would wait in vain.
                    log.exception("waiting failed")
                await asyncio.sleep(MOMENT_SECONDS)

    async def _tell(self, moved: Collection[UUID]) -> None:
        asked = {task_id: dict(self._renders[task_id]) for task_id in moved if task_id in self._renders}
        for future, rendered in await self._in_thread(_at_rest, asked):
            if not future.done():
                future.set_result(rendered)

    async def _in_thread(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        call: Any = DatabaseSyncToAsync(function, thread_sensitive=False, executor=self._thread)
        result: R = await call(*args, **kwargs)
        return result


Asked = dict[UUID, dict["asyncio.Future[bytes | None]", Render]]


def _at_rest(asked: Asked) -> list[tuple["asyncio.Future[bytes | None]", bytes]]:
    """Return what those get to see who asked for a task that has come to rest."""
    # That each may see its task was made sure of before it waited; here they are of many customers.
    with platform_rows():
        tasks = _task_at_rest.among(asked)
    return [(future, render(task)) for task in tasks for future, render in asked[task.id].items()]


def _as_it_stands(task_id: UUID, render: Render) -> bytes:
    with platform_rows():
        task = Task.objects.get(id=task_id)
    return render(task)


waiting = Waiting()
