"""Undo disguises: read a stretch of bytes another way, and know where each byte of the reading came from."""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from security.leakage.lookalikes import LOOKALIKES


@dataclass(frozen=True, slots=True)
class View:
    """A reading in pieces: piece i begins at `begins[i]` in `raw` and stands for the source from `starts[i]` to
    `ends[i]`.

    A piece as long as its source stands for it byte by byte.
    """

    raw: bytes
    begins: list[int]
    starts: list[int]
    ends: list[int]

    def source_span(self, start: int, end: int) -> tuple[int, int]:
        """Return where the bytes from `start` to `end` of this reading stand in the source."""
        first, last = self._place(start), self._place(end - 1)
        return min(first[0], last[0]), max(first[1], last[1])

    def _place(self, offset: int) -> tuple[int, int]:
        piece = bisect_right(self.begins, offset) - 1
        start, end = self.starts[piece], self.ends[piece]
        following = self.begins[piece + 1] if piece + 1 < len(self.begins) else len(self.raw)
        if end - start != following - self.begins[piece]:
            return start, end
        place = start + offset - self.begins[piece]
        return place, place + 1


Reader = Callable[[bytes, int, int], View]

_ESCAPE = re.compile(
    rb"&#[0-9]{2,7};|&#[xX][0-9a-fA-F]{2,6};|&[A-Za-z]{2,8};|%[0-9a-fA-F]{2}|=[0-9A-F]{2}(?![0-9A-F])"
    rb"|\\u\{[0-9a-fA-F]{2,6}\}|\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}"
    rb"|\\x[0-9a-fA-F]{2}|\\[0-3][0-7]{2}"
)
_MARKS = re.compile(
    rb"([\"'`])[ \t]{0,3}(?:\+|\.\.?|&|\|\||<>|~)?[ \t]{0,3}(?:\\?\r?\n[ \t]{0,20})?(?:\+|\."
    rb"|&)?[ \t]{0,3}\1(?=[^\s,:;}\])])"
    rb"|(?<!\*)(?:_\*|\*_)(?!\*)|\*{1,3}|~~|`|__|</?[A-Za-z]{1,6}/?>|<!--[^>]{0,12}-->|\\\r?\n\s{0,20}|\\[*_`-]"
)
_INVISIBLE = frozenset("\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u3164\ufeff\uffa0\u2028\u2029") | {
    chr(code)
    for span in (
        (0x200B, 0x200F),
        (0x202A, 0x202E),
        (0x2060, 0x206F),
        (0xFE00, 0xFE0F),
        (0xE0100, 0xE01EF),
        (0x180B, 0x180D),
    )
    for code in range(span[0], span[1] + 1)
}


class _Fold(dict[bytes, bytes]):
    """The plain letters that a reader takes an encoded character for; learnt one character at a time."""

    def __missing__(self, encoded: bytes) -> bytes:
        self[encoded] = plain = _plain(encoded.decode("utf-8", "surrogatepass")).encode("utf-8", "surrogatepass")
        return plain


def _plain(character: str) -> str:
    if character in _INVISIBLE or 0xE0000 <= ord(character) <= 0xE007F:
        return ""
    if character in LOOKALIKES:
        return LOOKALIKES[character]
    if 0x1F1E6 <= ord(character) <= 0x1F1FF:
        return chr(ord(character) - 0x1F1E6 + 65)
    if 0xD800 <= ord(character) <= 0xDFFF:
        return character
    kept = "".join(part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part))
    folded = "".join(LOOKALIKES.get(part, part) for part in kept)
    return folded if folded.isascii() else character


_FOLD = _Fold()
_WIDE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_TAG = re.compile(rb"\xf3\xa0(?:\x80[\xa0-\xbf]|\x81[\x80-\xbe])")


def _build(pieces: Iterable[tuple[bytes, int, int]]) -> View:
    texts: list[bytes] = []
    begins: list[int] = []
    starts: list[int] = []
    ends: list[int] = []
    length = 0
    for text, start, end in pieces:
        if text:
            texts.append(text)
            begins.append(length)
            starts.append(start)
            ends.append(end)
            length += len(text)
    return View(b"".join(texts), begins, starts, ends)


def normalised(raw: bytes, start: int, end: int) -> View:
    """Read look-alike letters as the letters they pass for, and leave out what cannot be seen."""
    return _substituted(raw, start, end, _WIDE, _FOLD.__getitem__)


def plain_letter(text: str) -> str:
    """Return what a reader takes the character for, without accents; nothing for what cannot be seen."""
    return "".join(map(_plain, text))


def untagged(raw: bytes, start: int, end: int) -> View:
    """Read tag characters (U+E0020 to U+E007E) as the letters that they shadow, and nothing else."""
    return _build((bytes([_tagged(match[0])]), *match.span()) for match in _TAG.finditer(raw, start, end))


def _tagged(encoded: bytes) -> int:
    return ord(encoded.decode()) - 0xE0000


def unescaped(raw: bytes, start: int, end: int) -> View:
    """Read HTML entities, percent, quoted-printable and backslash escapes as the letters they name."""
    return _substituted(raw, start, end, _ESCAPE, _letter)


def unmarked(raw: bytes, start: int, end: int) -> View:
    """Leave out Markdown marks, tags and the seams of joined string literals."""
    return _substituted(raw, start, end, _MARKS, _nothing)


@lru_cache(maxsize=4096)
def _letter(escape: bytes) -> bytes:
    if escape.startswith(b"&"):
        return html.unescape(escape.decode()).encode("utf-8", "surrogatepass")
    digits = escape.strip(b"%=\\uUx{}")
    code = int(digits, 8) if escape[:1] == b"\\" and escape[1:2] in b"0123" else int(digits, 16)
    if code > 0x10FFFF:
        return escape
    return chr(code).encode("utf-8", "surrogatepass")


def _substituted(raw: bytes, start: int, end: int, pattern: re.Pattern[bytes], read: Callable[[bytes], bytes]) -> View:
    """Read each match of `pattern` as `read` gives it, in one loop: a flood has thousands of pieces."""
    texts: list[bytes] = []
    begins: list[int] = []
    starts: list[int] = []
    ends: list[int] = []
    length, position = 0, start
    for match in pattern.finditer(raw, start, end):
        first, last = match.span()
        if first > position:
            texts.append(raw[position:first])
            begins.append(length)
            starts.append(position)
            ends.append(first)
            length += first - position
        position = last
        if text := read(match[0]):
            texts.append(text)
            begins.append(length)
            starts.append(first)
            ends.append(last)
            length += len(text)
    if position < end:
        texts.append(raw[position:end])
        begins.append(length)
        starts.append(position)
        ends.append(end)
    return View(b"".join(texts), begins, starts, ends)


def _nothing(_match: bytes) -> bytes:
    return b""


def gathered(raw: bytes, start: int, end: int) -> View:
    """Read letters that stand apart, each followed by the same separator, as words; a wider gap is one space."""
    separator = _separator(raw[start:end])
    return _build(_gathered(raw, start, end, separator))


def _gathered(raw: bytes, start: int, end: int, separator: bytes) -> Iterable[tuple[bytes, int, int]]:
    position = start
    for gap in re.compile(re.escape(separator) + b"+").finditer(raw, start, end):
        first, last = gap.span()
        yield raw[position:first], position, first
        if last - first > 1:
            yield (b" " if separator == b" " else gap[0]), first, last
        elif not _between_singles(raw, first, separator[0]):
            yield separator, first, last
        position = last
    yield raw[position:end], position, end


def _separator(stretch: bytes) -> bytes:
    counts = {mark: stretch.count(bytes([mark])) for mark in b" .-_*|,/\n"}
    return bytes([max(counts, key=lambda mark: counts[mark])])


def _between_singles(raw: bytes, place: int, separator: int) -> bool:
    """Tell whether the separator at `place` has a single letter on either side."""
    left = place < 2 or raw[place - 2] == separator or not raw[place - 2 : place - 1].isalnum()
    right = place + 2 >= len(raw) or raw[place + 2] == separator or not raw[place + 2 : place + 3].isalnum()
    return left and right


_CUT = re.compile(rb" ?-?\\?\r?\n|(?<=[^ ]) (?=[^ ])")


def squeezed(raw: bytes, start: int, end: int) -> View:
    """Leave out single blanks and ends of lines, so that a value cut into pieces is whole."""
    return _substituted(raw, start, end, _CUT, _nothing)


def reversed_view(raw: bytes, start: int, end: int) -> View:
    """Read from right to left."""
    places = list(range(end - 1, start - 1, -1))
    return View(raw[start:end][::-1], list(range(end - start)), places, [place + 1 for place in places])


def rotated(raw: bytes, start: int, end: int) -> View:
    """Read each letter thirteen places on."""
    return View(raw[start:end].translate(_ROT13), [0], [start], [end])


_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ROT13 = bytes.maketrans(_LETTERS, _LETTERS[13:26] + _LETTERS[:13] + _LETTERS[39:] + _LETTERS[26:39])
