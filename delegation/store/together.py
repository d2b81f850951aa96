"""Submissions that come at the same moment share a transaction, as settlements do in the loop (loop/settler.py).

Doors answer in threads: the first of them commits, and for all that came while another commit was under way.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, connection

from delegation.store import NewTask, store_for_database

_LANES = 64


@dataclass(slots=True)
class _Waiting:
    """``saved`` is None until somebody has tried, and where it must be tried again, alone."""

    task: NewTask
    tried: bool = False
    saved: bool | None = None
    error: Exception | None = None

    @property
    def customer_id(self) -> str:
        return str(self.task.task["customer_id"])


@dataclass(slots=True)
class _Lane:
    committing: Lock = field(default_factory=Lock)
    waiting: list[_Waiting] = field(default_factory=list)
    listing: Lock = field(default_factory=Lock)

    def take(self, customer_id: str) -> list[_Waiting]:
        """Take all that wait for the customer: a transaction knows one customer's rows alone."""
        with self.listing:
            taken = [each for each in self.waiting if each.customer_id == customer_id]
            self.waiting = [each for each in self.waiting if each.customer_id != customer_id]
        return taken


_lanes = tuple(_Lane() for _ in range(_LANES))


def save_together(task: NewTask) -> bool:
    """Save the task with whatever else its customer submits at this moment; return once it is committed.

    Returns False where its idempotency key is taken. In a transaction of the caller's own it is saved in that one.
    Raises DatabaseError, InterfaceError.
    """
    if connection.in_atomic_block:
        return _saved([task])[0]
    mine = _Waiting(task)
    lane = _lanes[hash(mine.customer_id) % _LANES]
    with lane.listing:
        lane.waiting.append(mine)
    with lane.committing:
        if not mine.tried:
            _commit(lane.take(mine.customer_id))
    if mine.error is not None:
        raise mine.error
    return _saved([task])[0] if mine.saved is None else mine.saved


def _commit(batch: Sequence[_Waiting]) -> None:
    for each in batch:
        each.tried = True
    try:
        outcome = _saved([each.task for each in batch])
    except (IntegrityError, DataError):
        # One that cannot be saved must not cost the others theirs: nothing is, and each tries alone.
        return
    except (DatabaseError, InterfaceError) as error:
        for each in batch:
            each.error = error
        return
    for each, saved in zip(batch, outcome, strict=True):
        each.saved = saved


def _saved(tasks: Sequence[NewTask]) -> list[bool]:
    saved, _ = store_for_database().commit(tasks, [])
    return saved
