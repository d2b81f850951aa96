"""Scan an answer that arrives in pieces, letting go only of what can no longer become part of a leak."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from security.leakage.finding import Finding

HELD_BACK_LETTERS = 1024
_CONTEXT_LETTERS = 256
# A private key is longer than the tail we hold: everything is held from its first line to its last.
_BLOCK_START = "-----BEGIN "
_BLOCK_END = "-----END "
_LONGEST_BLOCK = 24_000


class Scanner(Protocol):
    """What a stream needs of a detector."""

    def scan(self, text: str, customer_id: str = "") -> list[Finding]:
        """Return the findings in `text`."""


@dataclass(frozen=True, slots=True)
class Released:
    """Text that may travel on, and the findings in it; their offsets count from the start of the stream."""

    text: str
    findings: tuple[Finding, ...]
    start: int


@dataclass(slots=True)
class StreamScanner:
    """Hold back the last letters of a stream until what follows has been seen.

    The released texts joined are the stream; each finding is released once, with the whole of its text.
    """

    scanner: Scanner
    customer_id: str = ""
    held_back: int = HELD_BACK_LETTERS
    _context: str = ""
    _pending: str = ""
    _released: int = field(default=0)

    def feed(self, chunk: str) -> Released:
        """Take the next piece and return what may travel on now, perhaps nothing."""
        self._pending += chunk
        if len(self._pending) < 2 * self.held_back:
            return Released("", (), self._released)
        return self._release(len(self._pending) - self.held_back)

    def finish(self) -> Released:
        """Return all that was held back."""
        return self._release(len(self._pending))

    def _release(self, upto: int) -> Released:
        text = self._context + self._pending
        offset = len(self._context)
        findings = self.scanner.scan(text, self.customer_id)
        cut = self._safe_cut(text, offset + upto, findings)
        start = self._released
        ready = [_moved(found, start - offset) for found in findings if offset < found.end <= cut]
        self._pending = text[cut:]
        self._context = text[max(0, cut - _CONTEXT_LETTERS) : cut]
        self._released += cut - offset
        return Released(text[offset:cut], tuple(ready), start)

    def _safe_cut(self, text: str, cut: int, findings: Iterable[Finding]) -> int:
        offset = len(self._context)
        if cut < len(text):
            block = text.rfind(_BLOCK_START, 0, cut)
            if block >= 0 and _BLOCK_END not in text[block:cut] and cut - block < _LONGEST_BLOCK:
                cut = block
        for found in sorted(findings, key=lambda found: -found.start):
            if found.start < cut < found.end:
                cut = found.start
        return max(offset, cut)


def _moved(found: Finding, by: int) -> Finding:
    start = max(0, found.start + by)
    return Finding(found.detection_type, found.kind, found.severity, found.confidence, start, found.end + by)
