"""A text as customers' names are looked for in it: without case, accents and look-alikes."""

from __future__ import annotations

import itertools
import re
from bisect import bisect_right
from collections.abc import Iterator

from security.leakage.finding import Candidate
from security.leakage.views import plain_letter

WIDE = re.compile(rb"[\x80-\xff]+")
_BLOCK, _LONGEST_RUN = 8192, 1024
_LONGEST_LEARNT = 12


class _Caseless(dict[int, str]):
    """What a character reads as where neither case, accents nor look-alikes count; learnt one at a time."""

    def __missing__(self, code: int) -> str:
        self[code] = plain = plain_letter(chr(code).casefold())
        return plain


class _Runs(dict[bytes, bytes]):
    """The readings of short runs of wide characters; longer ones are worked out each time."""

    def __missing__(self, run: bytes) -> bytes:
        # A text read backwards is no UTF-8 at all.
        plain = run.decode("utf-8", "surrogateescape").translate(_CASELESS).encode("utf-8", "surrogateescape")
        if len(run) <= _LONGEST_LEARNT and len(self) < _MOST_LEARNT:
            self[run] = plain
        return plain


_MOST_LEARNT = 20_000
_CASELESS = _Caseless()
_RUNS = _Runs()


# A run of wide letters that reads with another number of bytes: where it begins and ends, and how many those are.
Change = tuple[int, int, int]


def in_source(raw: bytes, changes: list[Change] | None, found: list[Candidate]) -> list[Candidate]:
    """Return the candidates at their places in the text as written: a run that reads otherwise is one place."""
    if changes is None:
        changes = _changes_before(raw, max(end for _, end, _ in found))
    longer = [0, *itertools.accumulate(last - first - length for first, last, length in changes)]
    begins = [first - more for (first, _, _), more in zip(changes, longer, strict=False)]

    def place(offset: int) -> tuple[int, int]:
        index = bisect_right(begins, offset) - 1
        if index < 0:
            return offset, offset + 1
        first, last, length = changes[index]
        if offset < begins[index] + length:
            return first, last
        return offset + longer[index + 1], offset + longer[index + 1] + 1

    return [(place(start)[0], place(end - 1)[1], label) for start, end, label in found]


def plain_text(raw: bytes) -> tuple[bytes, list[Change] | None]:
    """Return how the text reads, and where that changes its length, or None where that was not noted.

    One of few different wide letters, as most languages have, is read letter by letter: thrice as fast as run by run.
    """
    wide = b"".join(block.translate(None, _ASCII) for block in _blocks(raw) if not block.isascii())
    changed = _changed(wide) if len(wide) * _RARE > len(raw) else None
    if changed is None:
        return _run_by_run(raw)
    if not changed:
        return raw, []
    text = raw.decode()
    for letter, plain in changed.items():
        text = text.replace(letter, plain)
    return text.encode(), None


def _blocks(raw: bytes) -> Iterator[bytes]:
    """Yield the text in pieces: a megabyte more at once costs more for its memory than for its reading."""
    return (raw[begin : begin + _BLOCK] for begin in range(0, len(raw), _BLOCK))


def _run_by_run(raw: bytes) -> tuple[bytes, list[Change]]:
    """Read each run of wide letters; from one to the next is a search for one byte, which is quick."""
    parts: list[bytes] = []
    changes: list[Change] = []
    position = 0
    for start, end in _runs(raw):
        run = raw[start:end]
        plain = _RUNS[run]
        if plain != run:
            parts += (raw[position:start], plain)
            position = end
            if len(plain) != end - start:
                changes.append((start, end, len(plain)))
    parts.append(raw[position:])
    return b"".join(parts), changes


def _changes_before(raw: bytes, offset: int) -> list[Change]:
    """Return where the reading changes its length, as far as this offset into it."""
    changes: list[Change] = []
    longer = 0
    for start, end in _runs(raw):
        if start - longer > offset:
            break
        length = len(_RUNS[raw[start:end]])
        if length != end - start:
            changes.append((start, end, length))
            longer += end - start - length
    return changes


def _runs(raw: bytes) -> Iterator[tuple[int, int]]:
    """Yield where runs of wide letters begin and end; whole blocks of most texts are without."""
    begin = 0
    while begin < len(raw):
        block = raw[begin : begin + _BLOCK]
        if block.isascii():
            begin += _BLOCK
            continue
        marks = block.translate(_IS_WIDE)
        end, start = 0, marks.find(1)
        while start >= 0:
            end = marks.find(0, start)
            if end < 0 or end - start > _LONGEST_RUN:
                end = _letter_end(raw, begin + min(len(block), start + _LONGEST_RUN)) - begin
            yield begin + start, begin + end
            start = marks.find(1, end)
        begin += max(end, len(block))


def _letter_end(raw: bytes, place: int) -> int:
    while place < len(raw) and raw[place] & 0xC0 == 0x80:
        place += 1
    return place


def _changed(wide: bytes) -> dict[str, str] | None:
    """Return the letters that read as others, or None where they are too many or one reads as another of them."""
    if len(set(wide[:_SAMPLE].decode(errors="ignore"))) > _MOST_DIFFERENT:
        return None
    try:
        letters = set(wide.decode())
    except UnicodeDecodeError:
        return None
    changed = {letter: plain for letter in letters if (plain := _CASELESS[ord(letter)]) != letter}
    chained = any(not changed.keys().isdisjoint(plain) for plain in changed.values())
    return None if chained or len(changed) > _MOST_REPLACED else changed


_ASCII = bytes(range(128))
_IS_WIDE = bytes(code >> 7 for code in range(256))
# Below one wide byte in so many it pays to go from one to the next.
_RARE = 25
_MOST_REPLACED = 16
_SAMPLE, _MOST_DIFFERENT = 2000, 100


def plain_run(run: re.Match[bytes]) -> bytes:
    """Return how a run of wide characters reads."""
    return _RUNS[run[0]]
