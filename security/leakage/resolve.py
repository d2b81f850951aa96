"""Make findings of the candidates: overlaps decided, offsets in letters."""

from __future__ import annotations

from collections.abc import Iterable

from security.leakage.finding import Candidate, DetectionType, Finding, Label


def resolve(candidates: list[Candidate], raw: bytes, *, is_plain: bool) -> list[Finding]:
    """Return one finding for each place, sorted; `is_plain` says that a byte is a letter throughout."""
    merged = sorted(
        (*_merge(_of(candidates, tenant=True)), *_merge(_of(candidates, tenant=False))), key=lambda found: found[:2]
    )
    places = {} if is_plain else _letter_places(raw, merged)
    return [
        Finding(
            label.detection_type,
            label.kind,
            label.severity,
            label.confidence,
            places.get(start, start),
            places.get(end, end),
        )
        for start, end, label in merged
    ]


def _of(candidates: Iterable[Candidate], *, tenant: bool) -> list[Candidate]:
    return [found for found in candidates if (found[2].detection_type is DetectionType.TENANT) is tenant]


def _merge(candidates: list[Candidate]) -> list[Candidate]:
    """Join overlapping candidates into the widest span, under the label of the highest rank."""
    if len(candidates) < 2:
        return candidates
    merged: list[Candidate] = []
    for start, end, label in sorted(candidates, key=lambda found: (found[0], -found[1])):
        if merged and start < merged[-1][1]:
            first, last, known = merged[-1]
            merged[-1] = (first, max(last, end), _better(known, label))
        else:
            merged.append((start, end, label))
    return merged


def _better(one: Label, other: Label) -> Label:
    return other if other.rank > one.rank else one


def _letter_places(raw: bytes, candidates: Iterable[Candidate]) -> dict[int, int]:
    places: dict[int, int] = {}
    letters = previous = 0
    for offset in sorted({offset for start, end, _ in candidates for offset in (start, end)}):
        letters += len(raw[previous:offset].decode("utf-8", "surrogatepass"))
        previous = offset
        places[offset] = letters
    return places
