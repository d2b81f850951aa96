"""Show where findings were, without showing them."""

from __future__ import annotations

from collections.abc import Sequence

from security.leakage.finding import Finding
from security.leakage.redaction import joined

_MOST_LETTERS = 500
_AROUND = 120
# So many letters that the surroundings share with a found value are masked too: a part of a secret is one.
_LEAST, _SHARED = 4, 6
_HIDDEN = "*"
# What one value may cost: only its first and last letters are looked for in the surroundings.
_EDGE = 256


def preview(text: str, finding: Finding, findings: Sequence[Finding] = ()) -> str:
    """Return at most 500 characters around `finding`, with it and every other of `findings` masked.

    Not a letter of any of them is kept. Where the surroundings repeat six letters of a masked value (or the whole of a
    shorter one), in whatever case, these are masked too.
    """
    return previews(text, (finding, *findings), of=(finding,))[0]


def previews(text: str, findings: Sequence[Finding], *, of: Sequence[Finding]) -> list[str]:
    """Return the preview of each finding in `of`, which are among the `findings` in `text`."""
    spans = joined(findings)
    hidden = _pieces({text[found.start : found.end].casefold() for found in findings})
    return [_around(text, spans, found, hidden) for found in of]


def _around(text: str, spans: Sequence[tuple[int, int, str]], finding: Finding, hidden: set[str]) -> str:
    first, last = max(0, finding.start - _AROUND), min(len(text), finding.end + _AROUND)
    parts: list[str] = []
    position = first
    for start, end, shown in spans:
        if end <= first or start >= last:
            continue
        parts += (_masked(text[position : max(start, position)], hidden), shown)
        position = end
        if finding.start < end <= finding.end or start <= finding.start < end:
            # The mark of the finding itself must be seen: what stands before it gives way.
            before = _MOST_LETTERS - len(shown)
            parts = ["".join(parts[:-1])[-before // 2 :], shown]
    parts.append(_masked(text[position:last] if position < last else "", hidden))
    return "".join(parts)[:_MOST_LETTERS]


def _pieces(values: set[str]) -> set[str]:
    """Return every run of six letters at the edges of the values; a value of four or five is one whole."""
    runs: set[str] = set()
    for value in values:
        if len(value) > 2 * _EDGE:
            runs |= _pieces({value[:_EDGE], value[-_EDGE:]})
        elif len(value) >= _LEAST:
            size = min(_SHARED, len(value))
            runs.update(value[place : place + size] for place in range(len(value) - size + 1))
    return runs


def _masked(clean: str, hidden: set[str]) -> str:
    """Return the text with a mark for each letter of what it shares with the found values."""
    lowered = clean.casefold() if len(clean.casefold()) == len(clean) else clean
    shown = list(clean)
    for size in range(_LEAST, _SHARED + 1):
        for place in range(len(clean) - size + 1):
            if lowered[place : place + size] in hidden:
                shown[place : place + size] = _HIDDEN * size
    return "".join(shown)
