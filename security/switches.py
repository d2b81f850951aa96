"""The kill switch: a customer that is switched off is refused at every door, within a second in every process."""

import time
from datetime import datetime

from django.db import transaction

from audit.models import AuthorizationLog
from security.limiting import forget_terms
from security.models import Customer, InFlight
from security.rows import platform_rows

SWITCHES_REMEMBERED_SECONDS = 1.0
_REASON_LENGTH = AuthorizationLog._meta.get_field("authorization_reason").max_length

_off: frozenset[str] = frozenset()
_read_at = float("-inf")


def is_switched_off(customer_id: str) -> bool:
    """Tell whether the customer is switched off, as of at most a second ago. Most calls ask nobody."""
    if switches_are_stale():
        read_switches()
    return customer_id in _off


def switches_are_stale() -> bool:
    """Tell whether the next question costs a query: not for an event loop."""
    return time.monotonic() - _read_at >= SWITCHES_REMEMBERED_SECONDS


@platform_rows()
def read_switches() -> None:
    """Read which customers are switched off."""
    global _off, _read_at  # noqa: PLW0603  one for the process
    read_at = time.monotonic()
    _off = frozenset(Customer.objects.filter(is_active=False).order_by().values_list("id", flat=True))
    _read_at = read_at


def forget_switches() -> None:
    """Read them again at the next question."""
    global _read_at  # noqa: PLW0603
    _read_at = float("-inf")


@transaction.atomic
def customer_switch(
    *, customer_id: str, active: bool, by: str, now: datetime, in_flight: InFlight = InFlight.FINISH, reason: str = ""
) -> None:
    """Switch the customer off or on, on record.

    Off, nothing new begins for it, its credentials are refused, and its calls in flight are finished or cancelled.
    """
    Customer.objects.filter(id=customer_id).update(is_active=active, in_flight=in_flight, disabled_reason=reason)
    record_switch(customer_id=customer_id, on=active, by=by, in_flight=in_flight, reason=reason, now=now)
    transaction.on_commit(forget_switches)
    transaction.on_commit(forget_terms)


def record_switch(
    *,
    customer_id: str,
    on: bool,
    by: str,
    in_flight: str,
    reason: str,
    now: datetime,
    agent_ve_id: str = "",
    agent_type: str = "",
) -> None:
    """Record who switched what, when and why, in the log of who may be called. No agent named: the whole customer."""
    told = f"switched on by {by}" if on else f"switched off by {by}, calls in flight: {in_flight}"
    told = f"{told}; {reason}" if reason else told
    AuthorizationLog.objects.create(
        customer_id=customer_id,
        agent_ve_id=agent_ve_id,
        target_agent_type=agent_type,
        action=AuthorizationLog.Action.INVOKE,
        authorized=on,
        authorization_reason=told[:_REASON_LENGTH] if on else "",
        denied_reason="" if on else told,
        created_at=now,
    )
