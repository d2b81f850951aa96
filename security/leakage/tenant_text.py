"""A text as customers' names are looked for in it: without case, accents and look-alikes."""

from __future__ import annotations

import itertools
import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from security.leakage.finding import Candidate
from security.leakage.views import plain_letter

WIDE = re.compile(rb"[\x80-\xff]+")
_BLOCK = 1024
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


@dataclass(frozen=True, slots=True)
class TextBlock:
    """A stretch of the text from `start` on, and how it reads."""

    start: int
    source: bytes
    plain: bytes


def in_source(blocks: list[TextBlock], found: list[Candidate]) -> list[Candidate]:
    """Return the candidates at their places in the text as written."""
    begins = [0, *itertools.accumulate(len(block.plain) for block in blocks)]

    def place(offset: int) -> tuple[int, int]:
        index = bisect_right(begins, offset) - 1
        block, inside = blocks[index], offset - begins[index]
        if block.plain is block.source:
            return block.start + inside, block.start + inside + 1
        first, last = _place_in(block.source, inside)
        return block.start + first, block.start + last

    return [(place(start)[0], place(end - 1)[1], label) for start, end, label in found]


def _place_in(source: bytes, offset: int) -> tuple[int, int]:
    """Return where the byte at `offset` of the reading stands in a block: a run that reads otherwise is one place."""
    longer = 0
    for run in WIDE.finditer(source):
        first, last = run.span()
        length = len(_RUNS[run[0]])
        if offset < first - longer:
            break
        if offset < first - longer + length and length != last - first:
            return first, last
        longer += last - first - length
    return offset + longer, offset + longer + 1


def plain_blocks(raw: bytes) -> Iterable[TextBlock]:
    """Read the text block by block: most blocks of most texts are plain ASCII and stay as they are."""
    start = 0
    while start < len(raw):
        end = start + _BLOCK
        if raw[start : start + 8 * _BLOCK].isascii():
            end = start + 8 * _BLOCK
        while end < len(raw) and raw[end] & 0xC0 == 0x80:
            end += 1
        block = raw[start:end]
        yield TextBlock(start, block, block if block.isascii() else WIDE.sub(plain_run, block))
        start = end


def plain_text(raw: bytes, blocks: list[TextBlock]) -> bytes:
    """Read the whole text; `blocks` is filled where it was read block by block.

    One of few different wide letters, as most languages have, is read letter by letter: thrice as fast as run by run.
    """
    wide = raw.translate(None, _ASCII)
    changed = _changed(wide) if len(wide) * _RARE > len(raw) else None
    if changed is None:
        blocks.extend(plain_blocks(raw))
        return b"".join(block.plain for block in blocks)
    if not changed:
        return raw
    text = raw.decode()
    for letter, plain in changed.items():
        text = text.replace(letter, plain)
    return text.encode()


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
# Below one wide byte in so many it pays to look at the blocks that have any.
_RARE = 25
_MOST_REPLACED = 16
_SAMPLE, _MOST_DIFFERENT = 2000, 100


def plain_run(run: re.Match[bytes]) -> bytes:
    """Return how a run of wide characters reads."""
    return _RUNS[run[0]]
