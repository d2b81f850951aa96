"""Decide what becomes of an answer with findings. Pure: a customer's choices in, an action out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from security.leakage.finding import DetectionType, Finding, Severity


class Action(StrEnum):
    """What is done about a finding, mildest first."""

    ALLOWED = "allowed"
    FLAGGED = "flagged"
    REDACTED = "redacted"
    BLOCKED = "blocked"

    @property
    def rank(self) -> int:
        """Return 0 for the mildest to 3 for the strictest."""
        return _ORDER.index(self)


_ORDER = tuple(Action)
Case = tuple[DetectionType, Severity]

DEFAULTS: Mapping[Case, Action] = MappingProxyType(
    {
        (DetectionType.CREDENTIAL, Severity.INFO): Action.ALLOWED,
        (DetectionType.CREDENTIAL, Severity.WARNING): Action.FLAGGED,
        (DetectionType.CREDENTIAL, Severity.HIGH): Action.BLOCKED,
        (DetectionType.CREDENTIAL, Severity.CRITICAL): Action.BLOCKED,
        (DetectionType.PERSONAL, Severity.INFO): Action.ALLOWED,
        (DetectionType.PERSONAL, Severity.WARNING): Action.FLAGGED,
        (DetectionType.PERSONAL, Severity.HIGH): Action.REDACTED,
        (DetectionType.PERSONAL, Severity.CRITICAL): Action.BLOCKED,
        (DetectionType.TENANT, Severity.INFO): Action.ALLOWED,
        (DetectionType.TENANT, Severity.WARNING): Action.FLAGGED,
        (DetectionType.TENANT, Severity.HIGH): Action.BLOCKED,
        (DetectionType.TENANT, Severity.CRITICAL): Action.BLOCKED,
    }
)

# What no customer can choose to treat more mildly: the data are another's, or open a door at once.
FLOORS: Mapping[Case, Action] = MappingProxyType(
    {
        (DetectionType.CREDENTIAL, Severity.CRITICAL): Action.BLOCKED,
        **{case: action for case, action in DEFAULTS.items() if case[0] is DetectionType.TENANT},
    }
)


def floor(finding: Finding) -> Action:
    """Return the mildest action that any customer may choose for the finding."""
    return FLOORS.get((finding.detection_type, finding.severity), Action.ALLOWED)


@dataclass(frozen=True, slots=True)
class Policy:
    """One customer's choices; what it does not choose follows the defaults, and none is milder than `FLOORS`.

    `kinds` overrules by a finding's kind, `actions` by its type and severity.
    """

    actions: Mapping[Case, Action] = field(default_factory=dict)
    kinds: Mapping[str, Action] = field(default_factory=dict)

    def action(self, finding: Finding) -> Action:
        """Return what is done about one finding."""
        case = (finding.detection_type, finding.severity)
        chosen = self.kinds.get(finding.kind) or self.actions.get(case) or DEFAULTS[case]
        return max(chosen, floor(finding), key=_ORDER.index)

    def verdict(self, findings: Iterable[Finding]) -> Action:
        """Return what is done with the whole answer: the strictest action of its findings."""
        return max(
            (self.action(finding) for finding in findings), key=lambda action: action.rank, default=Action.ALLOWED
        )

    def to_redact(self, findings: Iterable[Finding]) -> list[Finding]:
        """Return the findings whose spans are to be replaced."""
        return [finding for finding in findings if self.action(finding).rank >= Action.REDACTED.rank]
