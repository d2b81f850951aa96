"""What the broker carries: "look". A worker hands it to its delegation loop and is done."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import UUID

import dramatiq
import structlog
from django.conf import settings
from dramatiq.errors import BrokerError
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)
# A broker that does not answer is left alone for so long: meanwhile the workers look by themselves, once a second.
AWAY_SECONDS = 1.0
MOMENT_SECONDS = 0.02

# The delegation loops of this process: none in a web process, one in a worker.
_loops: list[Callable[[], None]] = []


def heed(look: Callable[[], None]) -> None:
    """Have ``look`` called, from any thread, whenever a message arrives."""
    _loops.append(look)


def unheed(look: Callable[[], None]) -> None:
    _loops.remove(look)


@dramatiq.actor(queue_name=settings.A2A_QUEUE)
def advance(hop_id: str) -> None:  # noqa: ARG001 -- named for whoever reads the queue; all that is pending is looked at
    """Look at this hop, and at whatever else is pending."""
    for look in _loops:
        look()


class Bell:
    """Wakes the workers through the broker, for all that comes within a moment with one message.

    It rings on a thread of its own: a broker that is slow or away costs a hop a moment, never the caller anything.
    """

    def __init__(self) -> None:
        self._ringing = threading.Lock()
        self._wanted: UUID | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bell")

    def ring(self, hop_id: UUID) -> None:
        """Have a worker look at the hop, which is saved already."""
        self._wanted = hop_id
        if self._ringing.acquire(blocking=False):
            with suppress(RuntimeError):  # The process is ending; the workers look by themselves.
                self._thread.submit(self._ring_on)

    def _ring_on(self) -> None:
        """Ring for what is wanted, and again after a moment for what has come meanwhile."""
        while (hop_id := self._wanted) is not None:
            self._wanted = None
            time.sleep(MOMENT_SECONDS if self._rung(hop_id) else AWAY_SECONDS)
        self._ringing.release()
        # Between the last look and the release somebody may have come who found it ringing.
        if self._wanted is not None:
            self.ring(self._wanted)

    def _rung(self, hop_id: UUID) -> bool:
        try:
            advance.send(str(hop_id))
        except (BrokerError, AMQPError, AMQPConnectorException, RedisError, OSError) as error:
            log.warning("broker is away", error=repr(error))
            return False
        return True


bell = Bell()
