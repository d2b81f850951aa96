"""What a customer's auditors have found to be no leak, for a while: one value, or all that one rule finds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from security.leakage.finding import DetectionType, Finding
from security.leakage.policy import Action, floor
from security.leakage.registered import value_fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """One entry. With a fingerprint it is for that value alone; without, for all that the rule `kind` finds."""

    id: str
    kind: str
    expires_at: datetime
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class AllowList:
    """The entries of one customer. Another customer's data is never allowed, whatever they say."""

    values: Mapping[str, Allowed] = field(default_factory=dict)
    rules: Mapping[str, Allowed] = field(default_factory=dict)
    key: bytes = b""

    def entry(self, text: str, finding: Finding, *, at: datetime) -> Allowed | None:
        """Return the entry by which the finding in `text` is allowed at this time, if there is one.

        A value may be allowed though it looks like a critical credential; a rule that finds such, or that finds what no
        customer may choose to let through, may not.
        """
        if finding.detection_type is DetectionType.TENANT or not (self.values or self.rules):
            return None
        found = self.rules.get(finding.kind) if floor(finding) is Action.ALLOWED else None
        if (found is None or found.expires_at <= at) and self.values:
            found = self.values.get(value_fingerprint(text[finding.start : finding.end], self.key))
            if found is not None and found.kind not in ("", finding.kind):
                return None
        return found if found is not None and found.expires_at > at else None


def allow_list(entries: Iterable[Allowed], *, key: bytes) -> AllowList:
    """Return the list of these entries; of several for one thing the one that lasts longest."""
    lasting = sorted(entries, key=lambda entry: entry.expires_at)
    return AllowList(
        values={entry.fingerprint: entry for entry in lasting if entry.fingerprint},
        rules={entry.kind: entry for entry in lasting if not entry.fingerprint},
        key=key,
    )
