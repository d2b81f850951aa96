"""The delegation loop as the settings want it: on the loop of `up`, or on a thread of a worker process."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import dramatiq
import structlog
import uvloop
from django.conf import settings
from django.db import DatabaseError

from a2a_project.interpreter import take_turns_soon, tune_for_serving
from delegation import actors
from delegation.live.feed import feed
from delegation.loop.engine import Engine, EngineOptions
from delegation.loop.pauses import POLLING, POLLING_BESIDE_PUSH
from delegation.loop.pushing import PushAddresses
from delegation.services.callbacks import callback_tokens
from delegation.services.credentials import certificates_folder

log = structlog.get_logger(__name__)
RETRY_SECONDS = 1.0


@asynccontextmanager
async def delegating(*, public_url: str = "") -> AsyncIterator[Engine]:
    """Run the delegation loop on the running event loop; drain it at the end.

    ``public_url`` is where agents reach this installation when the settings do not say.
    Raises DatabaseError where the database cannot be reached at the start.
    """
    reached_at = settings.A2A_PUBLIC_URL or public_url
    engine = Engine(
        EngineOptions(
            agent_timeout_seconds=settings.A2A_AGENT_TIMEOUT_SECONDS,
            question_expiry_seconds=settings.A2A_QUESTION_EXPIRY_SECONDS,
            allowed_agent_hosts=tuple(settings.A2A_ALLOWED_AGENT_HOSTS),
            client_certificates=certificates_folder(),
            capacity=settings.A2A_WORKER_CAPACITY,
            agent_concurrency=settings.A2A_AGENT_CONCURRENCY,
            drain_seconds=settings.A2A_DRAIN_SECONDS,
            polling=replace(POLLING, first=settings.A2A_POLL_SECONDS),
            polling_beside_push=replace(POLLING_BESIDE_PUSH, first=settings.A2A_POLL_SECONDS_BESIDE_PUSH),
            push=PushAddresses(public_url=reached_at, tokens=callback_tokens()) if reached_at else None,
        ),
        announce=feed.announce,
    )
    await engine.start()
    tune_for_serving()
    take_turns_soon()
    begun = feed.start()
    actors.heed(engine.look)
    try:
        yield engine
    finally:
        actors.unheed(engine.look)
        await engine.drain()
        if begun:
            await feed.stop()


class DelegationThread(dramatiq.Middleware):
    """Gives a Dramatiq worker process its delegation loop, on a thread of its own."""

    def __init__(self) -> None:
        self.started = threading.Event()
        self.event_loop: asyncio.AbstractEventLoop | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="delegation")

    def after_process_boot(self, broker: dramatiq.Broker) -> None:  # noqa: ARG002 - the library's signature
        self._thread.start()

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002 - as above
        self._ended.set()
        self._thread.join()

    def _work(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._delegate())
        except Exception:
            # The edge of the thread: a process without its loop is of no use, and its supervisor starts another.
            log.exception("the delegation loop broke")
            os._exit(1)

    async def _delegate(self) -> None:
        while not self._ended.is_set():
            try:
                async with delegating():
                    self.event_loop = asyncio.get_running_loop()
                    self.started.set()
                    await asyncio.to_thread(self._ended.wait)
            except DatabaseError as error:
                log.warning("waiting for the database", error=str(error))
                await asyncio.sleep(RETRY_SECONDS)
