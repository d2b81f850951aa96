"""What agents push: a verified word that their work stands differently. How, the agent itself is then asked."""

import hashlib
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

import orjson
import structlog
from django.conf import settings
from django.db.models import QuerySet

from delegation.errors import Conflict
from delegation.models import Hop, TaskEvent
from delegation.services.moving import Moving, moving
from delegation.states import HopStatus
from security.errors import NotAuthenticated, NotFound, RateLimitExceeded
from security.identity import Callback, CallbackTokens
from security.rows import customer_rows, platform_rows
from security.testimony import record_stranger

log = structlog.get_logger(__name__)

# An agent that reports without end is listened to less often, then no more: polling follows it anyway.
_REPORTS_AT_ONCE, _MOST_REPORTS = 10, 100
_PAUSE_BETWEEN_REPORTS = timedelta(seconds=1)
_WORKING_ON = frozenset({"submitted", "working"})
_DIGEST_LENGTH = 16


@cache
def callback_tokens() -> CallbackTokens:
    """Return the tokens of this installation, by its secrets: those of an older one are good while it is listed."""
    return CallbackTokens(list(dict.fromkeys([*settings.A2A_ENCRYPTION_KEYS, settings.SECRET_KEY])))


def callback_receive(*, delegation_id: str, token: str, body: bytes, now: datetime) -> None:
    """Take a notification: the hop that waits for this agent is due now, and a worker asks the agent how it stands.

    What the body says is never taken for the outcome. One that says that the work goes on changes nothing.

    Raises:
        NotFound: no such hop, or the token is wrong, expired or for another one: nobody can tell which.
        Conflict: the hop waits for its agent no more, or this very notification was taken before.
        RateLimitExceeded: the agent has reported on this hop again and again.
    """
    try:
        hop = _access_hop(delegation_id=delegation_id, token=token, now=now)
    except NotFound as refusal:
        _put_on_record(delegation_id, refusal, now=now)
        raise
    with customer_rows(hop.customer_id):
        _take(hop, body, now=now)


def _take(hop: Hop, body: bytes, *, now: datetime) -> None:
    if hop.status not in (HopStatus.WAITING, HopStatus.RUNNING):
        raise _over(str(hop.id))
    if not _works_on(body):
        with moving(hop.task_id, now=now) as move:
            _hasten(move, Hop.objects.of_customer(hop.customer_id).filter(id=hop.id), digest=_digest(body))


def _access_hop(*, delegation_id: str, token: str, now: datetime) -> Hop:
    """Return the hop that the token is for. Raises NotFound."""
    callback = _verified(delegation_id=delegation_id, token=token, now=now)
    hops = Hop.objects.of_customer(callback.customer_id).filter(id=delegation_id, agent_type=callback.agent_type)
    with customer_rows(callback.customer_id):
        hop: Hop | None = hops.only("id", "customer_id", "task_id", "status").first()
    if hop is None:
        raise NotFound(internal=f"no hop {delegation_id}")
    return hop


def _verified(*, delegation_id: str, token: str, now: datetime) -> Callback:
    try:
        # One spelling of an id alone: it is what the token was made for.
        if str(UUID(delegation_id)) != delegation_id:
            raise NotFound(internal="not a delegation's id")
        return callback_tokens().check(token, delegation_id=delegation_id, now=now)
    except (NotAuthenticated, ValueError) as error:
        raise NotFound(internal=str(error)) from error


@platform_rows()
def _put_on_record(delegation_id: str, refusal: NotFound, *, now: datetime) -> None:
    """Let the customer know, whose delegation it is, that somebody without its token spoke for its agent.

    Who names no delegation that there is leaves a line in the log of the process and no row.
    """
    try:
        named = UUID(delegation_id)
    except ValueError:
        return
    hop = Hop.objects.filter(id=named).only("id", "customer_id", "task_id", "agent_ve_id", "agent_type").first()
    if hop is not None:
        record_stranger(
            customer_id=hop.customer_id,
            task_id=hop.task_id,
            agent_ve_id=hop.agent_ve_id,
            target=hop.agent_type,
            reason=f"callback for {hop.id}: {refusal.internal_message}",
            at=now,
        )


def _hasten(move: Moving, hops: QuerySet[Hop], *, digest: str) -> None:
    """Make the hop due, under its task's lock; while it is being asked, due as soon as that is over."""
    hop = hops.get()
    waits = hop.status == HopStatus.WAITING and hop.due_at is not None and hop.remote_task_id
    if move.ended or not (waits or hop.status == HopStatus.RUNNING):
        raise _over(str(hop.id))
    reports = _reports(hop)
    if digest in reports:
        raise Conflict(detail="This notification has been taken already.", internal=f"repeated for hop {hop.id}")
    if len(reports) >= _MOST_REPORTS:
        raise RateLimitExceeded(
            detail="Too many notifications about one delegation.",
            internal=f"hop {hop.id}",
            retry_after_seconds=60,
            policy=f'"notifications";q={_MOST_REPORTS};w={int(settings.A2A_TASK_DEADLINE_SECONDS)}',
        )
    due_at = move.now if len(reports) < _REPORTS_AT_ONCE else move.now + _PAUSE_BETWEEN_REPORTS
    if hop.due_at is not None and hop.due_at <= due_at:
        return
    hops.update(due_at=due_at)
    move.testify_of_agent(hop, f"callback token of {hop.agent_type}")
    move.tell("hop.reported", delegation_id=str(hop.id), notification=digest)
    move.wake(hop.id)


def _reports(hop: Hop) -> frozenset[str]:
    """Return the notifications about the hop that were taken, by digest."""
    told = TaskEvent.objects.of_customer(hop.customer_id).filter(task_id=hop.task_id, type="hop.reported")
    return frozenset(
        data["notification"] for data in told.values_list("data", flat=True) if data["delegation_id"] == str(hop.id)
    )


def _over(delegation_id: str) -> Conflict:
    return Conflict(detail="Nobody waits for this agent's work any more.", internal=f"hop {delegation_id} has moved on")


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:_DIGEST_LENGTH]


def _works_on(body: bytes) -> bool:
    """Return whether a notification says no more than that the work goes on; one that is not understood may say more.

    Bodies of A2A 1.0 are a Task, a status or an artifact in their wrapper, those of 0.3 come without one.
    """
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    if not isinstance(content, dict):
        return False
    if "artifactUpdate" in content or content.get("kind") == "artifact-update":
        return True
    told = content.get("task") or content.get("statusUpdate") or content
    status = told.get("status") if isinstance(told, dict) else None
    state = status.get("state") if isinstance(status, dict) else None
    return isinstance(state, str) and state.removeprefix("TASK_STATE_").lower() in _WORKING_ON
