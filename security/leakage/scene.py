"""What the handlers of one scan share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from security.leakage.finding import Candidate, DetectionType, Label, Severity
from security.leakage.views import Reader, reversed_view, squeezed

_ALNUM = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_HEX = frozenset(b"0123456789ABCDEFabcdef")


# What a scan did not get to is itself a finding: nobody hides a leak behind a flood.
UNREAD_LABEL = Label(DetectionType.CREDENTIAL, "scan_limit", Severity.HIGH, 0.5, 0)
UNDECODED_LABEL = Label(DetectionType.CREDENTIAL, "scan_limit", Severity.WARNING, 0.5, 0)
_TELLING = frozenset(("email", "iban"))
_TOKEN_RANK = 30
_LONGEST_HEAD = 64
_BLOB_DISCOUNT = 4
# What confirming one hit costs, in steps of some three microseconds.
STEP = 3


@dataclass(slots=True)
class Budget:
    """The work that one scan may still do, over all its depths: bytes to read otherwise, and confirmations to try."""

    decode_bytes: int
    steps: int

    @classmethod
    def for_bytes(cls, length: int) -> Budget:
        """Return what a text of this length may cost: under 100 ms for a megabyte, and linear from there on.

        A shorter text may cost as much as soon as honest answers, one leak after the other, need it.
        """
        return cls(
            decode_bytes=32_768 + max(length // 8, min(length * 2, 96_000)),
            steps=STEP * (2_000 + max(length // 160, min(length // 6, 9_000 - length // 360))),
        )

    def refund(self) -> None:
        """Give back most of what a hit cost that was dismissed at a glance."""
        self.steps += STEP - 1


@dataclass(slots=True)
class Scene:
    """The bytes of one view of the text, and what was found in it so far."""

    raw: bytes
    depth: int
    budget: Budget
    # Scan other bytes one level deeper.
    scan_deeper: Callable[[bytes, int, Budget], list[Candidate]]
    found: list[Candidate] = field(default_factory=list)
    # Up to where the secret, blob and region handlers have read, so that one place is not read twice.
    secret_end: int = 0
    blob_end: int = 0
    codes_end: int = 0
    # Words that stand out and are no secret for all that: where each begins, and where it ends.
    plain_words: dict[int, int] = field(default_factory=dict)
    regions: dict[Reader, list[list[int]]] = field(default_factory=dict)

    def add(self, start: int, end: int, label: Label) -> None:
        """Note a match."""
        self.found.append((start, end, label))

    def note_region(self, end: int, readers: tuple[Reader, ...], reach: int) -> None:
        """Have the lines around `end`, at most `reach` bytes either way, read in other ways once the pass is over."""
        for reader in readers:
            spans = self.regions.get(reader)
            if spans is None:
                spans = self.regions[reader] = []
            if spans and spans[-1][1] >= end - reach:
                spans[-1][1:] = end + reach, end
            else:
                spans.append([max(0, end - reach), end + reach, end])

    def read_regions(self) -> None:
        """Scan each noted region in its other readings."""
        for reader, spans in self.regions.items():
            for start, stop, last_hit in spans:
                # No disguise goes on after a blank line; what stands before one may still tell what follows it.
                paragraph = self.raw.find(b"\n\n", last_hit, stop)
                self._read(reader, *self._whole_letters(start, stop if paragraph < 0 else paragraph))

    def _whole_letters(self, start: int, stop: int) -> tuple[int, int]:
        raw = self.raw
        # From a word's beginning on, so that no number is read without its first digits.
        head = max(0, start - _LONGEST_HEAD)
        blank = max(raw.rfind(b" ", head, start), raw.rfind(b"\n", head, start))
        start = blank + 1 if blank >= 0 else start
        while start > 0 and raw[start] & 0xC0 == 0x80:
            start -= 1
        stop = min(stop, len(raw))
        while stop < len(raw) and raw[stop] & 0xC0 == 0x80:
            stop += 1
        return start, stop

    def _read(self, reader: Reader, start: int, stop: int) -> None:
        if self.budget.decode_bytes < stop - start:
            self.add(start, stop, UNDECODED_LABEL)
            return
        self.budget.decode_bytes -= stop - start
        view = reader(self.raw, start, stop)
        if view.raw == self.raw[start:stop]:
            return
        for first, last, label in self.scan_deeper(view.raw, self.depth + 1, self.budget):
            # Read backwards, one number in ten has a right check digit; pushed together, any words say anything.
            if reader is squeezed and label.rank < _TOKEN_RANK:
                continue
            if (
                reader is reversed_view
                and label.detection_type is DetectionType.PERSONAL
                and label.kind not in _TELLING
            ):
                continue
            begin, end = view.source_span(first, last)
            self.found.append((begin, end, label))

    def rescan_blob(self, decoded: bytes, start: int, end: int) -> None:
        """Scan what a blob decodes to; whatever it holds is found at the whole blob."""
        if self.budget.decode_bytes < len(decoded) // _BLOB_DISCOUNT:
            self.add(start, end, UNDECODED_LABEL)
            return
        self.budget.decode_bytes -= len(decoded) // _BLOB_DISCOUNT
        if not decoded.isascii():
            decoded = decoded.decode("utf-8", "replace").encode()
        for _, _, label in self.scan_deeper(decoded, self.depth + 1, self.budget):
            self.found.append((start, end, label))

    def starts_word(self, start: int) -> bool:
        """Tell whether a token may begin at `start`: after no letter or digit, or after an escape that ends in one."""
        raw = self.raw
        if start == 0 or raw[start - 1] not in _ALNUM:
            return True
        if start >= 2 and raw[start - 2] == 0x5C and raw[start - 1] in b"nrtbf":
            return True
        if start >= 3 and raw[start - 3] == 0x25:
            return raw[start - 1] in _HEX and raw[start - 2] in _HEX
        return start >= 6 and raw[start - 6 : start - 4] == b"\\u"

    def ends_word(self, end: int) -> bool:
        """Tell whether no letter or digit follows."""
        return end >= len(self.raw) or self.raw[end] not in _ALNUM
