"""Must people approve this delegation first? Pure: the customer's rules in, the reason out."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from security.authorisation import RANKS


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """A customer's rules; the defaults ask only where an agent is flagged."""

    confidence_below: float | None = None
    seniority_from: str = ""
    first_use: bool = False
    quorum: int = 1
    expires_after_seconds: float | None = None
    escalates_after_seconds: float | None = None
    escalates_to: str = ""


NO_RULES = Rules()


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an approval is asked on: how many must grant it, until when, and who decides after which time."""

    required: int
    expires_at: datetime
    escalates_at: datetime | None
    escalates_to: str


def reason_to_ask(
    rules: Rules, *, target: str, target_seniority: str, flagged: bool, confidence: float | None, used_before: bool
) -> str:
    """Return why people must approve the delegation, or an empty text where they need not."""
    if flagged:
        return f"{target} requires approval"
    if rules.confidence_below is not None and (confidence is None or confidence < rules.confidence_below):
        sure = "no confidence named" if confidence is None else f"confidence {confidence:g}"
        return f"{sure}, below {rules.confidence_below:g}"
    if rules.seniority_from and RANKS[target_seniority] <= RANKS[rules.seniority_from]:
        return f"{target} is a {target_seniority}; {rules.seniority_from} and above require approval"
    if rules.first_use and not used_before:
        return f"first delegation to {target}"
    return ""


def terms(rules: Rules, *, at: datetime, expiry_seconds: float, deadline_at: datetime) -> Terms:
    """Return what an approval asked at this time is asked on; it never outlasts the task."""
    expires_at = min(at + timedelta(seconds=rules.expires_after_seconds or expiry_seconds), deadline_at)
    escalates_at = None
    if rules.escalates_after_seconds is not None:
        escalates_at = at + timedelta(seconds=rules.escalates_after_seconds)
        escalates_at = escalates_at if escalates_at < expires_at else None
    return Terms(
        required=rules.quorum,
        expires_at=expires_at,
        escalates_at=escalates_at,
        escalates_to=rules.escalates_to if escalates_at else "",
    )
