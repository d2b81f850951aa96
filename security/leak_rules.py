"""What a customer wants done about findings, read for those who scan on its behalf."""

from dataclasses import dataclass, field
from datetime import datetime

from security.fingerprints import fingerprint_key
from security.leak_choices import policy_of
from security.leak_models import AllowedFinding, LeakPolicy
from security.leakage import Action, Allowed, AllowList, Finding, Policy, allow_list


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled:
    """What is done about one finding, and by which entry of the allow-list, if one let it pass."""

    finding: Finding
    action: Action
    allowed_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakRules:
    """A customer's policy with its allow-list."""

    policy: Policy = field(default_factory=Policy)
    allowed: AllowList = field(default_factory=AllowList)

    def ruled(self, text: str, findings: list[Finding], *, at: datetime) -> list[Ruled]:
        """Return what is done about each of the findings in the text at this time."""
        return [self._ruled(text, finding, at=at) for finding in findings]

    def _ruled(self, text: str, finding: Finding, *, at: datetime) -> Ruled:
        action = self.policy.action(finding)
        entry = self.allowed.entry(text, finding, at=at) if action is not Action.ALLOWED else None
        if entry is not None:
            return Ruled(finding=finding, action=Action.ALLOWED, allowed_by=entry.id)
        return Ruled(finding=finding, action=action)


def read_leak_rules(customer_id: str, *, now: datetime) -> LeakRules:
    """Return what is in force for the customer. An entry that expires later stops working at that very moment."""
    policy = LeakPolicy.objects.of_customer(customer_id).values_list("actions", "kinds").first()
    entries = AllowedFinding.objects.of_customer(customer_id).filter(expires_at__gt=now)
    allowed = [
        Allowed(id=str(entry.id), kind=entry.kind, fingerprint=entry.fingerprint, expires_at=entry.expires_at)
        for entry in entries
    ]
    return LeakRules(
        policy=policy_of(actions=policy[0], kinds=policy[1]) if policy else Policy(),
        allowed=allow_list(allowed, key=fingerprint_key()),
    )
