"""Find values that another customer registered as its own; only their keyed digests are known here."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from security.leakage.finding import Candidate, DetectionType, Label, Severity

LABEL = Label(DetectionType.TENANT, "tenant_registered_value", Severity.CRITICAL, 0.99, 44)

# A value is looked for as up to so many words, with nothing but what it has itself between them.
MOST_WORDS = 8
LEAST_LETTERS, MOST_LETTERS = 5, 200
# No part of a word; everything else is.
_BETWEEN = b" \t\r\n\x0b\x0c\"'`<>|,;()[]{}="
_TO_BLANK = bytes.maketrans(_BETWEEN, b" " * len(_BETWEEN))
_WORD = re.compile(rb"[^ \t\r\n\x0b\x0c\"'`<>|,;()\[\]{}=]+")
_EDGES = b".:!?*_~#"
_HEAD_BYTES, _WHOLE_BYTES = 8, 16
# Words are known to begin no value after the first time they are met; so many are remembered.
_REMEMBERED = 50_000
# What is met for the first time is hashed: longer texts are looked through only so far.
_REACH = 256 * 1024


class ValueRefused(ValueError):
    """No value to look for; the text says why, for the person to read."""


def registered_digest(value: str, key: bytes = b"") -> bytes:
    """Return all that is kept of a registered value: keyed digests of its first word and of the whole.

    Letter case and the width of blanks do not count. ``key`` has at most 64 bytes.

    Raises:
        ValueRefused: it is too short, too long or of too many words ever to be looked for.
    """
    plain = _lowered(value.encode("utf-8", "surrogatepass"))
    words = list(_words(plain))
    if not words:
        raise ValueRefused("There is no word in it.")
    whole = _joined(plain[words[0][0] : words[-1][1]])
    if len(words) > MOST_WORDS:
        raise ValueRefused(f"It has more than {MOST_WORDS} words.")
    if not LEAST_LETTERS <= len(whole) <= MOST_LETTERS:
        raise ValueRefused(f"It must have {LEAST_LETTERS} to {MOST_LETTERS} letters.")
    head = plain[slice(*words[0])]
    return bytes([len(words)]) + _digest(head, key, _HEAD_BYTES) + _digest(whole, key, _WHOLE_BYTES)


def value_fingerprint(value: str, key: bytes) -> str:
    """Return a keyed digest by which the same value is known again, and nothing of it is."""
    plain = b" ".join(value.lower().encode("utf-8", "surrogatepass").split())
    return _digest(plain, hashlib.blake2b(key, person=b"a2a-fingerprint").digest(), _WHOLE_BYTES).hex()


@dataclass(frozen=True, slots=True)
class RegisteredValues:
    """Which customers registered which values; made anew when they change."""

    key: bytes = b""
    owners: Mapping[bytes, frozenset[str]] = field(default_factory=dict)
    _lengths: dict[bytes, frozenset[int]] = field(default_factory=dict)
    _no_heads: set[bytes] = field(default_factory=set)

    def changed(self, *, gone: Iterable[tuple[str, bytes]], come: Iterable[tuple[str, bytes]]) -> RegisteredValues:
        """Return the values after some customers dropped and some registered theirs: (customer, digest)."""
        owners = dict(self.owners)
        for customer_id, digest in gone:
            left = owners.pop(digest, frozenset()) - {customer_id}
            if left:
                owners[digest] = left
        for customer_id, digest in come:
            owners[digest] = owners.get(digest, frozenset()) | {customer_id}
        lengths: dict[bytes, frozenset[int]] = {}
        for digest in owners:
            head = digest[1 : 1 + _HEAD_BYTES]
            lengths[head] = lengths.get(head, frozenset()) | {digest[0]}
        return RegisteredValues(self.key, owners, lengths)

    def find(self, raw: bytes, customer_id: str) -> Iterable[Candidate]:
        """Yield where `raw` holds a value that only others registered."""
        lowered = _lowered(raw[: _letters_end(raw)])
        words = set(lowered.translate(_TO_BLANK).split())
        if self._begin_none(words - self._no_heads):
            return
        places = list(_words(lowered))
        for index, (start, end) in enumerate(places):
            for count in self._lengths.get(_digest(lowered[start:end], self.key, _HEAD_BYTES), ()):
                last = places[index + count - 1 : index + count]
                if not last or last[0][1] - start > 2 * MOST_LETTERS:
                    continue
                digest = _digest(_joined(lowered[start : last[0][1]]), self.key, _WHOLE_BYTES)
                holders = self.owners.get(self._kept(count, lowered[start:end], digest))
                if holders and customer_id not in holders:
                    yield start, last[0][1], LABEL

    def _kept(self, count: int, head: bytes, whole: bytes) -> bytes:
        return bytes([count]) + _digest(head, self.key, _HEAD_BYTES) + whole

    def _begin_none(self, words: set[bytes]) -> bool:
        """Tell whether none of the words begins a value, and remember those that do not."""
        begins = {word for word in words if _digest(word.strip(_EDGES), self.key, _HEAD_BYTES) in self._lengths}
        if len(self._no_heads) > _REMEMBERED:
            self._no_heads.clear()
        self._no_heads.update(words - begins)
        return not begins


def _words(lowered: bytes) -> Iterator[tuple[int, int]]:
    """Yield where each word begins and ends, without marks at its edges."""
    for match in _WORD.finditer(lowered):
        word = match[0]
        start = match.start() + len(word) - len(word.lstrip(_EDGES))
        end = match.start() + len(word.rstrip(_EDGES))
        if start < end:
            yield start, end


def _letters_end(raw: bytes) -> int:
    """Return how far the bytes are looked through: to the last letter that ends within reach."""
    end = min(len(raw), _REACH)
    while 0 < end < len(raw) and raw[end] & 0xC0 == 0x80:
        end -= 1
    return end


def _lowered(raw: bytes) -> bytes:
    """Return the bytes in small letters, each letter where it was: one whose small form has another length stays."""
    if raw.isascii():
        return raw.lower()
    try:
        text = raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        # What was unpacked need not be text.
        return raw.lower()
    lowered = text.lower().encode("utf-8", "surrogatepass")
    if len(lowered) == len(raw):
        return lowered
    return b"".join(map(_lowered_letter, text))


def _lowered_letter(letter: str) -> bytes:
    own, small = (form.encode("utf-8", "surrogatepass") for form in (letter, letter.lower()))
    return small if len(small) == len(own) else own


def _joined(plain: bytes) -> bytes:
    return b" ".join(plain.split())


def _digest(plain: bytes, key: bytes, size: int) -> bytes:
    return hashlib.blake2b(plain, digest_size=size, key=key, person=b"a2a-registered").digest()
