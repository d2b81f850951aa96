"""Find where the value that a text gives for something begins and ends."""

from __future__ import annotations

import re

_OPENERS = re.compile(rb"\\{0,7}[\"'`]{1,3}|\xe2\x80[\x98-\x9f]|\xc2\xab\s?")
_OPENER_STARTS = frozenset(b"\\\"'`\xe2\xc2")
_CLOSERS = {
    b"\xe2\x80\x98": b"\xe2\x80\x99",
    b"\xe2\x80\x9c": b"\xe2\x80\x9d",
    b"\xe2\x80\x9e": b"\xe2\x80",
    b"\xc2\xab": b"\xc2\xbb",
}
_BARE = re.compile(rb"[^\s\"'`<>|;]{1,2000}")
_TRAILERS = b".,:)]}\\"
_NEXT_PAIR = re.compile(rb"[&,][A-Za-z_][\w.-]{0,30}[=:]|&&|&$|[,&][\w./-]{0,30}(?:,|$)")
_PAIRS = {b")": b"(", b"]": b"[", b"}": b"{"}
_SCHEME = re.compile(rb"(?:Bearer|Basic|Token|ApiKey|Digest)\s{1,3}", re.IGNORECASE)


def value_at(raw: bytes, start: int) -> tuple[int, int] | None:
    """Return the span of the value that begins at `start`, without its quotes and what only follows it."""
    if start == len(raw):
        return None
    first = raw[start]
    if first in b"BbTtAaDd":
        scheme = _SCHEME.match(raw, start)
        start = scheme.end() if scheme else start
        opener = _OPENERS.match(raw, start)
    else:
        opener = _OPENERS.match(raw, start) if first in _OPENER_STARTS else None
    if opener:
        mark = opener[0].strip()
        closer = _CLOSERS.get(mark, mark)
        inside = _SCHEME.match(raw, opener.end())
        begin = inside.end() if inside else opener.end()
        finish = raw.find(closer, begin, begin + 2000)
        if finish == begin:
            return None
        if finish > begin and b"\n" not in raw[begin:finish]:
            return begin, begin + len(raw[begin:finish].rstrip(b" \xa0\xc2"))
        start = opener.end()
    bare = _BARE.match(raw, start + 1 if raw[start : start + 1] in (b"(", b"[") else start)
    return trimmed(raw, bare.start(), bare.end()) if bare else None


def trimmed(raw: bytes, start: int, end: int) -> tuple[int, int] | None:
    """Return the span without the next pair and the marks of the sentence around it."""
    amp = raw.find(b"&", start, end)
    if amp > start + 3 and _NEXT_PAIR.match(raw, amp, end + 1):
        end = amp
    comma = raw.find(b",", start, end)
    if comma > start + 3 and _NEXT_PAIR.match(raw, comma, end + 1):
        end = comma
    if raw.endswith(b"**", start, end):
        end -= 2
    while end > start and raw[end - 1] in _TRAILERS and not _closes(raw, start, end):
        end -= 1
    return (start, end) if end > start else None


def _closes(raw: bytes, start: int, end: int) -> bool:
    opener = _PAIRS.get(raw[end - 1 : end])
    return opener is not None and raw.count(opener, start, end) >= raw.count(raw[end - 1 : end], start, end)
