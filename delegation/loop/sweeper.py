"""Finds what is due: hops whose worker is gone, deadlines, questions that nobody answered.

On PostgreSQL a worker holds an advisory lock for as long as its connection lives, so that its death is seen at once,
without waiting for a lease to run out. Elsewhere (SQLite) there is one worker at a time, and whoever starts is it.
"""

import os
import socket
import zlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import QuerySet

from delegation.models import Approval, Clarification, Hop, Task, Worker
from delegation.services.branches import superfluous_cancel
from delegation.services.expiry import approval_escalate, approval_expire, clarification_expire, task_expire
from delegation.services.switching import switched_off_cancel
from delegation.states import TASK_ALIVE, HopStatus, QuestionStatus

log = structlog.get_logger(__name__)
# After its server has restarted every worker has lost its lock, and gets a moment to take it again.
_RECONNECT_SECONDS = 5
# A worker that has not been seen for so long is given up even where its lock cannot be asked for.
_SILENT_SECONDS = 30
_MOST_AT_ONCE = 200


class Sweeper:
    """One per worker process; called on a thread that keeps its database connection."""

    def __init__(self, *, worker_id: UUID) -> None:
        self._worker_id = worker_id
        self._lock_key = zlib.crc32(worker_id.bytes) << 16 | os.getpid() & 0xFFFF
        self._suspects: frozenset[UUID] = frozenset()

    def register(self, now: datetime) -> int:
        """Make this worker known, and free what the dead have left; return how many hops that was."""
        name = f"{socket.gethostname()}:{os.getpid()}"
        # The lock first: whoever sees the row without it takes this worker for dead.
        self._hold_lock()
        Worker.objects.create(id=self._worker_id, name=name, lock_key=self._lock_key, started_at=now, seen_at=now)
        return self._free_hops_of_the_dead(now)

    def leave(self) -> None:
        """Forget this worker; its hops have been handed back."""
        Worker.objects.filter(id=self._worker_id).delete()
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [self._lock_key])

    def sweep(self, now: datetime, running: Sequence[UUID]) -> None:
        """Do what is due. ``running`` are the hops that this worker has in flight."""
        self._hold_lock()
        if not Worker.objects.filter(id=self._worker_id).update(seen_at=now):
            # Given up by the others (a long pause, say). What was taken over is theirs now; this worker starts afresh.
            self.register(now)
        self._free_hops_of_the_dead(now)
        self._free_strays(running)
        sweep_due(now)

    def _hold_lock(self) -> None:
        if connection.vendor != "postgresql":
            return
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_try_advisory_lock(%s) WHERE NOT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' "
                "AND pid = pg_backend_pid() AND ((classid::bigint << 32) | objid::bigint) = %s)",
                [self._lock_key, self._lock_key],
            )

    def _free_hops_of_the_dead(self, now: datetime) -> int:
        dead = [worker.id for worker in Worker.objects.exclude(id=self._worker_id) if self._is_dead(worker, now)]
        known = Worker.objects.exclude(id__in=dead).values("id")
        orphans = Hop.objects.filter(status=HopStatus.RUNNING).exclude(owner__in=known)
        freed = free(orphans.values_list("id", flat=True))
        Worker.objects.filter(id__in=dead).delete()
        if freed:
            log.warning("took over hops of dead workers", hops=freed, workers=len(dead))
        return freed

    def _is_dead(self, worker: Worker, now: datetime) -> bool:
        if connection.vendor != "postgresql":
            return True
        if worker.seen_at < now - timedelta(seconds=_SILENT_SECONDS):
            return True
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_try_advisory_xact_lock(%s) AND pg_postmaster_start_time() < now() - %s * interval '1 s'",
                [worker.lock_key, _RECONNECT_SECONDS],
            )
            return bool(cursor.fetchone()[0])

    def _free_strays(self, running: Sequence[UUID]) -> int:
        """Free hops that are this worker's by the database but that it does not run, twice in a row.

        So it is after a commit whose answer was lost with the connection.
        """
        own = Hop.objects.filter(status=HopStatus.RUNNING, owner=self._worker_id)
        strays = frozenset(own.exclude(id__in=running).values_list("id", flat=True))
        confirmed, self._suspects = strays & self._suspects, strays
        return free(confirmed)


def canceled_of(hop_ids: Sequence[UUID]) -> list[UUID]:
    """Return those of the hops that have been cancelled."""
    return list(Hop.objects.filter(id__in=hop_ids, status=HopStatus.CANCELED).values_list("id", flat=True))


def free(hop_ids: Iterable[UUID]) -> int:
    """Let any worker claim the hops again; a settlement under the old claim then finds it lost."""
    ids = list(hop_ids)
    claimed = Hop.objects.filter(id__in=ids, status=HopStatus.RUNNING)
    return claimed.update(status=HopStatus.PENDING, owner=None) if ids else 0


def tasks_late(now: datetime) -> QuerySet[Task]:
    """Return the tasks that are past their deadline and not over."""
    # Their states are named as the index on deadlines names them: "none of those that are over" would have the database
    # read every task there ever was, at each sweep.
    return Task.objects.filter(deadline_at__lte=now, status__in=TASK_ALIVE)


def sweep_due(now: datetime) -> None:
    """End what is past its time, superfluous or switched off: tasks, questions, branches, calls; escalate approvals."""
    for task_id in tasks_late(now).values_list("id", flat=True)[:_MOST_AT_ONCE]:
        task_expire(task_id=task_id, now=now)
    for model, expire in ((Approval, approval_expire), (Clarification, clarification_expire)):
        open_too_long = model.objects.filter(status=QuestionStatus.OPEN, expires_at__lte=now)
        for question_id in open_too_long.values_list("id", flat=True)[:_MOST_AT_ONCE]:
            expire(question_id, now=now)
    undecided = Approval.objects.filter(status=QuestionStatus.OPEN, escalates_at__lte=now)
    for approval_id in undecided.values_list("id", flat=True)[:_MOST_AT_ONCE]:
        approval_escalate(approval_id, now=now)
    superfluous_cancel(now=now)
    switched_off_cancel(now=now)
