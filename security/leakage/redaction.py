"""Replace findings in a text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from security.leakage.finding import Finding

# A start, an end, and what is put there instead.
Span = tuple[int, int, str]

_VALUE = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*', re.DOTALL)


def redact(text: str, findings: Iterable[Finding]) -> str:
    """Return `text` with each finding's span replaced by `[REDACTED:kind]`, and nothing else changed.

    A text that is JSON stays JSON: only the inside of its strings is replaced, and a number becomes a string.
    """
    spans = joined(findings)
    return _replaced(text, list(_inside_values(text, spans)) if spans and _is_json(text) else spans)


def redact_json(text: str, findings: Iterable[Finding]) -> object:
    """Return the value that the JSON `text` is, with the findings in its strings, keys and numbers replaced.

    Keys that would become the same are told apart by a number, so that no entry is lost.
    """
    cleaned: object = json.loads(redact(text, findings), object_pairs_hook=_dict)
    return cleaned


def _dict(pairs: list[tuple[str, object]]) -> dict[str, object]:
    entries: dict[str, object] = {}
    for key, value in pairs:
        name, number = key, 2
        while name in entries:
            name, number = f"{key} {number}", number + 1
        entries[name] = value
    return entries


def _replaced(text: str, spans: Iterable[Span]) -> str:
    parts: list[str] = []
    position = 0
    for start, end, shown in spans:
        parts += (text[position:start], shown)
        position = end
    return "".join((*parts, text[position:]))


def mark(finding: Finding) -> str:
    """Return what stands where the finding was."""
    return f"[REDACTED:{finding.kind}]"


def joined(findings: Iterable[Finding]) -> list[Span]:
    """Return the spans to replace, in order and without overlap."""
    spans: list[Span] = []
    for finding in sorted(findings, key=lambda found: (found.start, -found.end)):
        if spans and finding.start < spans[-1][1]:
            start, end, shown = spans[-1]
            spans[-1] = (start, max(end, finding.end), shown)
        else:
            spans.append((finding.start, finding.end, mark(finding)))
    return spans


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _inside_values(text: str, spans: list[Span]) -> Iterator[Span]:
    """Yield the parts of the spans that lie in strings or numbers, widened so that they cut no escape in two."""
    first_open = 0
    for value in _VALUE.finditer(text):
        first, last = value.span()
        while first_open < len(spans) and spans[first_open][1] <= first:
            first_open += 1
        index = first_open
        while index < len(spans) and spans[index][0] < last:
            start, end, shown = spans[index]
            index += 1
            if text[first] != '"':
                yield first, last, f'"{shown}"'
                break
            start, end = _widened(text, max(start, first + 1), min(end, last - 1), until=last - 1)
            if start < end:
                yield start, end, shown


def _widened(text: str, start: int, end: int, *, until: int) -> tuple[int, int]:
    opened = _escape_around(text, start)
    closed = _escape_around(text, end)
    return (opened[0] if opened else start), min(closed[1] if closed else end, until)


def _escape_around(text: str, place: int) -> tuple[int, int] | None:
    """Return where the escape begins and ends that the place cuts in two, if there is one."""
    for start in range(place - 1, max(-1, place - 6), -1):
        if text[start] == "\\":
            first = start
            while first > 0 and text[first - 1] == "\\":
                first -= 1
            end = start + (6 if text[start + 1 : start + 2] == "u" else 2)
            return (start, end) if (start - first) % 2 == 0 and place < end else None
    return None
