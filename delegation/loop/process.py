"""A worker process: Dramatiq's lifecycle around the delegation loop."""

import asyncio
import threading
from concurrent.futures import Future

import uvloop
from django.conf import settings
from dramatiq import Broker, Middleware, Worker

from delegation.actors import heed, unheed
from delegation.live.feed import feed
from delegation.loop.engine import Engine, EngineOptions


def engine_from_settings() -> Engine:
    """Return a worker's engine as the settings want it; not started yet."""
    options = EngineOptions(
        agent_timeout_seconds=settings.A2A_AGENT_TIMEOUT_SECONDS,
        question_expiry_seconds=settings.A2A_QUESTION_EXPIRY_SECONDS,
        allowed_agent_hosts=tuple(settings.A2A_ALLOWED_AGENT_HOSTS),
        capacity=settings.A2A_WORKER_CAPACITY,
    )
    return Engine(options, announce=feed.announce)


class WorkerLoop(Middleware):
    """Starts the delegation loop on a thread of its own when the Dramatiq worker boots, and drains it at its end."""

    def __init__(self) -> None:
        self._loop = uvloop.new_event_loop()

    def after_worker_boot(self, broker: Broker, worker: Worker) -> None:
        threading.Thread(target=self._loop.run_forever, name="delegation", daemon=True).start()
        self._engine = self._call(self._start()).result()
        heed(self._engine.look)

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        unheed(self._engine.look)
        self._call(self._stop()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _start(self) -> Engine:
        feed.start()
        engine = engine_from_settings()
        await engine.start()
        return engine

    async def _stop(self) -> None:
        await self._engine.drain()
        await feed.stop()

    def _call(self, coroutine) -> Future:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)
