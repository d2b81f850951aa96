"""Show where a finding was, without showing it."""

from __future__ import annotations

from collections.abc import Sequence

from security.leakage.finding import Finding
from security.leakage.redaction import redact

_MOST_LETTERS = 500
_AROUND = 120


def preview(text: str, finding: Finding, findings: Sequence[Finding] = ()) -> str:
    """Return at most 500 characters around `finding`, with it and every other of `findings` masked.

    Not a letter of any of them is kept. Whatever the surroundings repeat of a masked value is masked too.
    """
    every = (finding, *findings)
    start = _outside(every, max(0, finding.start - _AROUND))
    end = _outside(every, min(len(text), finding.end + _AROUND), after=True)
    inside = [_moved(found, start) for found in every if start <= found.start and found.end <= end]
    masked = redact(text[start:end], inside)
    for value in sorted({text[found.start : found.end] for found in every}, key=len, reverse=True):
        if len(value) >= 4:
            masked = masked.replace(value, "[REDACTED]")
    return masked[:_MOST_LETTERS]


def _outside(findings: Sequence[Finding], place: int, *, after: bool = False) -> int:
    """Return the nearest place towards the finding's own span that cuts no finding in two."""
    for found in sorted(findings, key=lambda found: found.start, reverse=after):
        if found.start < place < found.end:
            place = found.start if after else found.end
    return place


def _moved(found: Finding, by: int) -> Finding:
    return Finding(found.detection_type, found.kind, found.severity, found.confidence, found.start - by, found.end - by)
