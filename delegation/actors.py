"""What the broker carries: "look". A worker hands it to its delegation loop and is done."""

import time
from collections.abc import Callable
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
    """Wakes the workers through the broker; one that is away costs the hop a moment, never the caller an error."""

    def __init__(self) -> None:
        self._away_until = 0.0

    def ring(self, hop_id: UUID) -> None:
        """Have a worker look at the hop, which is saved already."""
        if time.monotonic() < self._away_until:
            return
        try:
            advance.send(str(hop_id))
        except (BrokerError, AMQPError, AMQPConnectorException, RedisError, OSError) as error:
            self._away_until = time.monotonic() + AWAY_SECONDS
            log.warning("broker is away", error=repr(error))


bell = Bell()
