"""What the broker carries: "look". A worker hands it to its delegation loop and is done."""

from collections.abc import Callable

import dramatiq
from django.conf import settings

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
