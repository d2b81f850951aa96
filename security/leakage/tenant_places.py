"""Where the letters of a text without its separators stand in the text itself."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Sequence

# Between the parts of a name these may stand, or nothing: "Acme Corp", "acme-corp", "ACME_CORP", "AcmeCorp".
SEPARATORS = b" \t\r\n-_.*`~|\\\"'+"
STRETCH = 8192
_KEPT = bytes(0 if code in SEPARATORS else 1 for code in range(256))
_BLOCK = 512
_BEYOND = 1024


class Places:
    """Where the letters that folding keeps stand in the text.

    `begins` tells how many of them stand before each stretch; what is finer is worked out where it is asked for.
    """

    def __init__(self, raw: bytes, begins: list[int]) -> None:
        self.raw = raw
        self._begins = begins
        self._fine: dict[int, tuple[list[int], bytes]] = {}

    def span(self, start: int, end: int) -> Sequence[int]:
        """Return the places of the kept letters from number `start` to number `end`."""
        stretch = bisect_right(self._begins, start) - 1
        counts, marks = self._marked(stretch)
        block = bisect_right(counts, start) - 1
        first = _kept(marks, block * _BLOCK, start - counts[block])
        last = _kept(marks, first, end - start - 1)
        offset = stretch * STRETCH
        if last >= len(marks):
            return self._far(offset + first, end - start)
        if last - first == end - start - 1:
            return range(offset + first, offset + last + 1)
        return list(itertools.compress(range(offset + first, offset + last + 1), marks[first : last + 1]))

    def _far(self, place: int, wanted: int) -> list[int]:
        """Return the places of the letters from `place` on, of which a long gap parts some from the others."""
        letters: list[int] = []
        while len(letters) < wanted and place < len(self.raw):
            marks = self.raw[place : place + STRETCH].translate(_KEPT)
            letters.extend(itertools.compress(range(place, place + STRETCH), marks))
            place += STRETCH
        return letters[:wanted]

    def _marked(self, stretch: int) -> tuple[list[int], bytes]:
        """Return how many kept letters stand before each block of a stretch, and which bytes those letters are."""
        if stretch not in self._fine:
            first = stretch * STRETCH
            marks = self.raw[first : first + STRETCH + _BEYOND].translate(_KEPT)
            kept = (
                int.from_bytes(marks[place : place + _BLOCK], "little").bit_count()
                for place in range(0, min(STRETCH, len(marks)), _BLOCK)
            )
            self._fine[stretch] = list(itertools.accumulate(kept, initial=self._begins[stretch])), marks
        return self._fine[stretch]


def _kept(marks: bytes, begin: int, number: int) -> int:
    """Return where the kept letter of this number stands, counted from `begin` on; beyond the end if it is not there.

    As far as separators were counted, so much farther it stands: until there are none on that way.
    """
    place = begin + number
    skipped = marks.count(0, begin, place + 1)
    while skipped:
        before, place = place, place + skipped
        skipped = marks.count(0, before + 1, place + 1)
    return place
