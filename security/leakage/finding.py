"""What the detector reports."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DetectionType(StrEnum):
    """The three families of leaks."""

    CREDENTIAL = "credential_leak"
    PERSONAL = "pii_leak"
    TENANT = "unauthorized_access"


class Severity(StrEnum):
    """How bad a leak is, mildest first."""

    INFO = "info"
    WARNING = "warning"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Return 0 for the mildest to 3 for the worst."""
        return _ORDER.index(self)


_ORDER = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Finding:
    """One leak: what it is, how sure we are (0 to 1), and its place as offsets into the scanned str."""

    detection_type: DetectionType
    kind: str
    severity: Severity
    confidence: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Label:
    """What a detection rule calls its matches; `rank` decides between labels of overlapping matches."""

    detection_type: DetectionType
    kind: str
    severity: Severity
    confidence: float
    rank: int


# A match in the bytes being scanned: start, end, label.
Candidate = tuple[int, int, Label]
