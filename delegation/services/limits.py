"""A customer's limits have changed: who waits for its turn is asked again at once."""

from datetime import datetime

from django.db import transaction

from delegation.actors import advance
from delegation.models import Hop
from delegation.states import HopStatus
from security.limiting import forget_terms


def limits_changed(*, customer_id: str, now: datetime) -> None:
    """Let this process read the limits anew, and workers try again whatever waits for one. The others follow soon."""
    transaction.on_commit(forget_terms)
    waiting = Hop.objects.of_customer(customer_id).filter(status=HopStatus.WAITING, polls=0, due_at__gt=now)
    if waiting.update(due_at=now):
        transaction.on_commit(lambda: advance.send(customer_id))
