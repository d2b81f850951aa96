"""Find values that another customer registered as its own; only their digests are known here."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

from security.leakage.finding import Candidate, DetectionType, Label, Severity

LABEL = Label(DetectionType.TENANT, "tenant_registered_value", Severity.CRITICAL, 0.99, 44)

# A value is looked for as one word, or as two to four words with one blank between them.
_WORD = re.compile(rb"[^\s\"'`<>|,;()\[\]{}=]{2,200}")
_MOST_WORDS = 4
_LEAST_BYTES = 5
_TRAILERS = b".:!?*_"


def registered_digest(value: str) -> bytes:
    """Return what is kept of a registered value: the keyless digest of its letters without case and blanks."""
    return _digest(b" ".join(value.lower().encode("utf-8", "surrogatepass").split()))


def _digest(plain: bytes) -> bytes:
    return hashlib.blake2b(plain, digest_size=16, person=b"a2a-registered").digest()


def find_registered(raw: bytes, owners: Mapping[bytes, frozenset[str]], customer_id: str) -> Iterable[Candidate]:
    """Yield where `raw` holds a value that only others registered; `owners` maps digests to customers."""
    lowered = raw.lower()
    words = [_stripped(lowered, *match.span()) for match in _WORD.finditer(lowered)]
    for index, (start, _) in enumerate(words):
        for _, end in words[index : index + _MOST_WORDS]:
            if end - start < _LEAST_BYTES:
                continue
            holders = owners.get(_digest(b" ".join(lowered[start:end].split())))
            if holders and customer_id not in holders:
                yield start, end, LABEL


def _stripped(raw: bytes, start: int, end: int) -> tuple[int, int]:
    while end > start + 1 and raw[end - 1] in _TRAILERS:
        end -= 1
    return start, end
