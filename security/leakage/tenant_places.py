"""Where the letters of a text without its separators stand in the text itself."""

from __future__ import annotations

import itertools
from bisect import bisect_right

# Between the parts of a name these may stand, or nothing: "Acme Corp", "acme-corp", "ACME_CORP", "AcmeCorp".
SEPARATORS = b" \t\r\n-_.*`~|\\\"'+"
STRETCH = 4096
_KEPT = bytes(0 if code in SEPARATORS else 1 for code in range(256))
_BLOCK, _FINE = 512, 64


class Places:
    """Where the letters that folding keeps stand in the text.

    `begins` tells how many of them stand before each stretch; what is finer is worked out where it is asked for.
    """

    def __init__(self, raw: bytes, begins: list[int]) -> None:
        self.raw = raw
        self._begins = begins
        self._fine: dict[int, list[int]] = {}

    def span(self, start: int, end: int) -> list[int]:
        """Return the places of the kept letters from number `start` to number `end`."""
        stretch = bisect_right(self._begins, start) - 1
        counts = self._counts(stretch)
        block = bisect_right(counts, start) - 1
        place = stretch * STRETCH + block * _BLOCK
        skipped, wanted = start - counts[block], end - counts[block]
        half = _BLOCK // 2
        while half >= _FINE:
            kept = len(self.raw[place : place + half].translate(None, SEPARATORS))
            if skipped >= kept:
                place, skipped, wanted = place + half, skipped - kept, wanted - kept
            half //= 2
        letters: list[int] = []
        while len(letters) < wanted:
            block_end = place + max(_FINE, wanted - len(letters))
            marks = self.raw[place:block_end].translate(_KEPT)
            letters.extend(itertools.compress(range(place, block_end), marks))
            place = block_end
        return letters[skipped:wanted]

    def _counts(self, stretch: int) -> list[int]:
        """Return how many kept letters stand before each block of a stretch."""
        if stretch not in self._fine:
            first = stretch * STRETCH
            part = self.raw[first : first + STRETCH]
            kept = (
                len(part[place : place + _BLOCK].translate(None, SEPARATORS)) for place in range(0, len(part), _BLOCK)
            )
            self._fine[stretch] = list(itertools.accumulate(kept, initial=self._begins[stretch]))
        return self._fine[stretch]
