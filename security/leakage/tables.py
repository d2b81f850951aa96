"""Find the values beneath a table's heading, in Markdown and in separated values."""

from __future__ import annotations

import re
from collections.abc import Callable

from security.leakage.scene import Budget

_HEADING_CELL = re.compile(rb"[\w\x80-\xff#/()-]{1,24}(?:[ _-][\w\x80-\xff#/()-]{1,16}){0,2}$")
_BLANK = re.compile(rb"\s")
_MOST_ROWS = 50


def in_column(raw: bytes, end: int, judge: Callable[[bytes], float], budget: Budget) -> tuple[int, int] | None:
    """Return the first value that `judge` takes for a secret, in the column whose heading ends at or after `end`."""
    start = raw.rfind(b"\n", max(0, end - 400), end) + 1
    stop = raw.find(b"\n", end, end + 400)
    if stop < 0:
        return None
    separator = _separator(raw[start:stop])
    if not separator:
        return None
    column, width = raw.count(separator, start, end), raw.count(separator, start, stop)
    for _ in range(_MOST_ROWS):
        budget.steps -= 1
        place = stop + 1
        stop = raw.find(b"\n", place)
        stop = stop if stop >= 0 else len(raw)
        if raw.count(separator, place, stop) != width:
            return None
        first, last = _cell(raw, place, stop, separator, column)
        if not _BLANK.search(raw, first, last) and judge(raw[first:last]):
            return first, last
        if stop == len(raw):
            return None
    return None


def _separator(heading: bytes) -> bytes:
    for mark in (b"|", b",", b";", b"\t"):
        cells = heading.strip(b" |\r").split(mark)
        if len(cells) >= 2 and all(_HEADING_CELL.match(cell.strip(b" \"'*`")) for cell in cells):
            return mark
    return b""


def _cell(raw: bytes, start: int, end: int, separator: bytes, column: int) -> tuple[int, int]:
    """Return the span of one cell without blanks and quotes; the line has that cell."""
    place = start
    for _ in range(column):
        place = raw.find(separator, place, end) + 1
    stop = raw.find(separator, place, end)
    stop = stop if stop >= 0 else end
    quotes = b" \t\"'`*\r" if raw[place:stop].strip(b" \t\r").startswith(b"*") else b" \t\"'`\r"
    while place < stop and raw[place] in quotes:
        place += 1
    while stop > place and raw[stop - 1] in quotes:
        stop -= 1
    return place, stop
