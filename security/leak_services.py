"""What customers declare and choose for the leak detector: registered, planted, allowed, chosen.

Each may be called for a customer that the caller has made sure of; nothing here looks beyond it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from audit.scope import TenantQuerySet
from security.errors import NotFound, ValidationFailed
from security.fingerprints import fingerprint_key, key_id
from security.leak_choices import check_actions, check_kinds
from security.leak_models import AllowedFinding, Canary, LeakPolicy, RegisteredValue
from security.leakage import ValueRefused, registered_digest, value_fingerprint

MOST_AT_ONCE = 1000
LONGEST_ALLOWED = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What came of registering values: how many are new, how many were there before."""

    added: int
    known: int


@transaction.atomic
def values_register(*, customer_id: str, values: Sequence[str], label: str, user_id: int | None) -> Registration:
    """Keep the digests of the values, so that no other customer's agent says them unnoticed. All are taken, or none.

    Raises:
        ValidationFailed: one cannot be looked for (its place in the list is named, never the value), there are over
            a thousand, or the label is missing.
    """
    _check_text("label", label, most=200)
    if not 0 < len(values) <= MOST_AT_ONCE:
        raise ValidationFailed(detail=f"values: give 1 to {MOST_AT_ONCE}.")
    digests = dict.fromkeys(_digest(value, place) for place, value in enumerate(values, 1))
    known = set(
        RegisteredValue.objects.of_customer(customer_id).filter(digest__in=digests).values_list("digest", flat=True)
    )
    own = {"customer_id": customer_id, "label": label.strip(), "key_id": key_id(), "created_by_id": user_id}
    RegisteredValue.objects.bulk_create(
        [RegisteredValue(digest=digest, **own) for digest in digests if digest not in known], ignore_conflicts=True
    )
    return Registration(added=len(digests) - len(known), known=len(known))


def value_forget(*, customer_id: str, value_id: UUID) -> RegisteredValue:
    """Stop looking for the value, and return what it was. Raises NotFound."""
    gone: RegisteredValue = _deleted(RegisteredValue.objects.of_customer(customer_id), value_id)
    return gone


def canary_plant(*, customer_id: str, planted: str, user_id: int | None) -> Canary:
    """Return a new token for the customer to put among its data. Raises ValidationFailed."""
    _check_text("planted", planted, most=200)
    canary: Canary = Canary.objects.create(customer_id=customer_id, planted=planted.strip(), created_by_id=user_id)
    return canary


def canary_remove(*, customer_id: str, canary_id: UUID) -> Canary:
    """Stop looking for the token, and return what it was. Raises NotFound."""
    gone: Canary = _deleted(Canary.objects.of_customer(customer_id), canary_id)
    return gone


def policy_choose(*, customer_id: str, actions: dict[str, Any], kinds: dict[str, Any]) -> LeakPolicy:
    """Set what is done about findings, in the place of all that was chosen before. Raises ValidationFailed."""
    try:
        check_actions(actions)
        check_kinds(kinds)
    except ValidationError as error:
        raise ValidationFailed(detail=" ".join(error.messages)) from error
    policy, _ = LeakPolicy.objects.update_or_create(
        customer_id=customer_id, defaults={"actions": actions, "kinds": kinds}
    )
    return policy


def finding_allow(
    *,
    customer_id: str,
    kind: str,
    reason: str,
    owner_id: int,
    expires_at: datetime,
    now: datetime,
    value: str = "",
    fingerprint: str = "",
) -> AllowedFinding:
    """Let one value pass (given as it is, or by a finding's fingerprint), or all that the rule ``kind`` finds.

    Raises:
        ValidationFailed: nothing is named, it is another customer's data, or it would last for over a year or not at
            all.
    """
    _check_text("reason", reason, most=500)
    if kind.startswith("tenant_"):
        raise ValidationFailed(detail="kind: another customer's data is never allowed.")
    if not now < expires_at <= now + LONGEST_ALLOWED:
        raise ValidationFailed(detail="expires_at: a time within the next 366 days.")
    if value.strip():
        fingerprint = value_fingerprint(value, fingerprint_key())
    if not kind and not fingerprint:
        raise ValidationFailed(detail="Name a rule, a value, or both.")
    entry: AllowedFinding = AllowedFinding.objects.create(
        customer_id=customer_id,
        kind=kind,
        fingerprint=fingerprint,
        reason=reason.strip(),
        owner_id=owner_id,
        created_at=now,
        expires_at=expires_at,
    )
    return entry


def allowed_end(*, customer_id: str, entry_id: UUID, now: datetime) -> AllowedFinding:
    """End the entry now, and return it; one that has ended stays as it is. Raises NotFound."""
    AllowedFinding.objects.of_customer(customer_id).filter(pk=entry_id, expires_at__gt=now).update(expires_at=now)
    entries = AllowedFinding.objects.of_customer(customer_id).select_related("owner").filter(pk=entry_id)
    entry: AllowedFinding | None = entries.first()
    if entry is None:
        raise NotFound(internal=f"allowance {entry_id} of {customer_id}")
    return entry


def _digest(value: str, place: int) -> str:
    try:
        return registered_digest(value, fingerprint_key()).hex()
    except ValueRefused as error:
        raise ValidationFailed(detail=f"values: number {place} cannot be looked for. {error}") from error


def _deleted(rows: TenantQuerySet, row_id: UUID) -> Any:
    row = rows.filter(pk=row_id).first()
    if row is None:
        raise NotFound(internal=f"{rows.model.__name__} {row_id}")
    row.delete()
    row.pk = row_id
    return row


def _check_text(name: str, text: str, *, most: int) -> None:
    if not text.strip() or len(text) > most or "\0" in text:
        raise ValidationFailed(detail=f"{name}: 1 to {most} characters.")
