"""Replace findings in a text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from security.leakage.finding import Finding

# A start, an end, and what is put there instead.
Span = tuple[int, int, str]

_VALUE = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*', re.DOTALL)
_LETTER = re.compile(r"\\u[0-9a-fA-F]{4}|\\.|[^\\]+", re.DOTALL)


def redact(text: str, findings: Iterable[Finding]) -> str:
    """Return `text` with each finding's span replaced by `[REDACTED:kind]`, and nothing else changed.

    A text that is JSON stays JSON: only the inside of its strings is replaced, and a number becomes a string.
    """
    spans = _joined(findings)
    if spans and _is_json(text):
        spans = list(_inside_values(text, spans))
    parts: list[str] = []
    position = 0
    for start, end, mark in spans:
        parts += (text[position:start], mark)
        position = end
    return "".join((*parts, text[position:]))


def _joined(findings: Iterable[Finding]) -> list[Span]:
    joined: list[Span] = []
    for finding in sorted(findings, key=lambda found: (found.start, -found.end)):
        if joined and finding.start < joined[-1][1]:
            start, end, mark = joined[-1]
            joined[-1] = (start, max(end, finding.end), mark)
        else:
            joined.append((finding.start, finding.end, f"[REDACTED:{finding.kind}]"))
    return joined


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _inside_values(text: str, spans: list[Span]) -> Iterator[Span]:
    """Yield the parts of the spans that lie in strings or numbers, widened so that they cut no escape in two."""
    index = 0
    for value in _VALUE.finditer(text):
        first, last = value.span()
        while index < len(spans) and spans[index][1] <= first:
            index += 1
        for start, end, mark in spans[index:]:
            if start >= last:
                break
            if text[first] == '"':
                yield from _inside_string(text, (first + 1, last - 1), (start, end, mark))
            else:
                yield first, last, f'"{mark}"'
                break


def _inside_string(text: str, inside: tuple[int, int], span: Span) -> Iterator[Span]:
    start, end = max(span[0], inside[0]), min(span[1], inside[1])
    if start >= end:
        return
    for letter in _LETTER.finditer(text, *inside):
        if letter.start() < start < letter.end():
            start = letter.start()
        if letter.start() < end < letter.end():
            end = letter.end()
        if letter.start() >= end:
            break
    yield start, end, span[2]
