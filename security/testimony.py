"""What people and programs may not do, and where they were let in: rows of the authorisation log.

Refusals are written at the edge of a service, after its transaction has been rolled back, so that every door has them.
What an agent's hop was allowed or refused is written with the hop's own settlement (delegation/loop).
"""

import time
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import ParamSpec, TypeVar
from uuid import UUID

import structlog
import uuid6
from django.contrib.auth.models import AbstractBaseUser
from django.db import DatabaseError
from django.utils import timezone

from audit.models import AuthorizationLog
from security.errors import AuthFailed, NotFound
from security.members import principal_of_user
from security.origin import headers_on_record
from security.principal import Principal
from security.rows import customer_rows

P = ParamSpec("P")
R = TypeVar("R")
Action = AuthorizationLog.Action

log = structlog.get_logger(__name__)

_REASON_LENGTH, _DENIAL_LENGTH, _TARGET_LENGTH = 200, 500, 64
# A person who looks at a task every second has been let in once, not a thousand times.
_LET_IN_FOR_SECONDS = 600.0
_REMEMBERED_AT_MOST = 50_000
_let_in: dict[tuple[object, ...], float] = {}


def on_record(*, action: str = Action.ACCESS_CONTEXT) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Write a row for each refusal (AuthFailed, NotFound) that the service ends in; its first argument or its
    ``principal`` says who was refused, its ``agent_type`` which agent was asked for.
    """

    def decorate(service: Callable[P, R]) -> Callable[P, R]:
        @wraps(service)
        def recorded(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return service(*args, **kwargs)
            except (AuthFailed, NotFound) as error:
                principal = kwargs.get("principal") or args[0]
                if isinstance(principal, Principal):
                    record_refusal(principal, error, action=action, target=str(kwargs.get("agent_type") or ""))
                raise

        return recorded

    return decorate


def record_refusal(
    principal: Principal,
    error: AuthFailed | NotFound,
    *,
    action: str = Action.ACCESS_CONTEXT,
    target: str = "",
    reason: str = "",
    at: datetime | None = None,
) -> None:
    """Write that the person was refused. Once for each error, however many services and doors it passes through.

    The row belongs to the person's own customer and tells of nothing but what they asked for.
    """
    if error.on_record:
        return
    error.on_record = True
    row = ruling(
        principal,
        action=action,
        target=target,
        authorized=False,
        reason=reason or error.internal_message,
        at=at or timezone.now(),
    )
    try:
        _write(principal.customer_id, row)
    except DatabaseError:
        # The refusal stands, whether or not it can be written down.
        log.exception("refusal_not_recorded", customer_id=principal.customer_id, reason=error.internal_message)


def record_users_refusal(user: AbstractBaseUser, *, what: str) -> None:
    """Write that somebody with a session was refused, at the first customer that employs them; for nobody's no row."""
    try:
        principal = principal_of_user(user)
    except AuthFailed:
        return
    record_refusal(principal, NotFound(internal=f"{principal.username} {what}"))


def record_admission(principal: Principal, *, what: str, at: datetime, task_id: UUID | None = None) -> None:
    """Write that the person was let in to a task's context (or a list of them): once, not at every look."""
    key = (principal.user_id, principal.customer_id, task_id or what)
    if _is_told(key):
        return
    row = ruling(
        principal,
        action=Action.ACCESS_CONTEXT,
        task_id=task_id,
        authorized=True,
        reason=f"{principal.username} {what} as {principal.role}",
        at=at,
    )
    _write(principal.customer_id, row)
    _remember(key)


def record_stranger(
    *, customer_id: str, task_id: UUID, agent_ve_id: str, target: str, reason: str, at: datetime
) -> None:
    """Write that somebody unknown was refused what concerns a customer's task: once, however often they come back.

    Nobody has shown who they are, so they may come as often as they like; the table is not theirs to fill.
    """
    key = ("stranger", task_id, agent_ve_id, reason)
    if _is_told(key):
        return
    row = _row(
        customer_id=customer_id,
        action=Action.ACCESS_CONTEXT,
        task_id=task_id,
        agent_ve_id=agent_ve_id,
        target=target,
        authorized=False,
        reason=reason,
        at=at,
    )
    _write(customer_id, row)
    _remember(key)


def _write(customer_id: str, row: dict[str, object]) -> None:
    """Save a row of the log, whoever's rows the caller works with."""
    with customer_rows(customer_id):
        AuthorizationLog(**row).save(force_insert=True)


def _is_told(key: tuple[object, ...]) -> bool:
    last = _let_in.get(key)
    return last is not None and time.monotonic() - last < _LET_IN_FOR_SECONDS


def _remember(key: tuple[object, ...]) -> None:
    if len(_let_in) >= _REMEMBERED_AT_MOST:
        _let_in.clear()
    _let_in[key] = time.monotonic()


def forget_admissions() -> None:
    """Write each admission anew, as a process that has just started would."""
    _let_in.clear()


def ruling(
    principal: Principal,
    *,
    action: str,
    authorized: bool,
    reason: str,
    at: datetime,
    target: str = "",
    task_id: UUID | None = None,
    agent_ve_id: str = "",
) -> dict[str, object]:
    """Return the row of agent_authorization_logs for one yes or no to a person's request."""
    return _row(
        customer_id=principal.customer_id,
        action=action,
        authorized=authorized,
        reason=reason,
        at=at,
        target=target,
        task_id=task_id,
        agent_ve_id=agent_ve_id,
    )


def agent_ruling(
    *, customer_id: str, task_id: UUID, agent_ve_id: str, target: str, reason: str, at: datetime
) -> dict[str, object]:
    """Return the row for an agent that was let in to its task by a credential of its own."""
    return _row(
        customer_id=customer_id,
        action=Action.ACCESS_CONTEXT,
        authorized=True,
        reason=reason,
        at=at,
        target=target,
        task_id=task_id,
        agent_ve_id=agent_ve_id,
    )


def _row(
    *,
    customer_id: str,
    action: str,
    authorized: bool,
    reason: str,
    at: datetime,
    target: str,
    task_id: UUID | None,
    agent_ve_id: str,
) -> dict[str, object]:
    return {
        "id": UUID(int=uuid6.uuid7().int),
        "customer_id": customer_id,
        "task_id": task_id,
        "agent_ve_id": agent_ve_id,
        "target_agent_type": _storable(target)[:_TARGET_LENGTH],
        "action": action,
        "authorized": authorized,
        "authorization_reason": reason[:_REASON_LENGTH] if authorized else "",
        "denied_reason": "" if authorized else _storable(reason)[:_DENIAL_LENGTH],
        "request_headers": headers_on_record(),
        "created_at": at,
    }


def _storable(text: str) -> str:
    """Return the text without what no database keeps: NUL, and halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
