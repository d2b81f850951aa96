"""Make findings of the candidates: overlaps decided, offsets in letters."""

from __future__ import annotations

from collections.abc import Iterable

from security.leakage.finding import Candidate, DetectionType, Finding

_TENANT = DetectionType.TENANT


def resolve(candidates: list[Candidate], raw: bytes, *, is_plain: bool) -> list[Finding]:
    """Return one finding for each place, sorted; `is_plain` says that a byte is a letter throughout."""
    tenants = [found for found in candidates if found[2].detection_type is _TENANT]
    if tenants:
        others = [found for found in candidates if found[2].detection_type is not _TENANT]
        merged = sorted((*_merge(tenants), *_merge(others)), key=lambda found: found[:2])
    else:
        merged = _merge(candidates)
    places: dict[int, int] = {}
    if not is_plain:
        merged = sorted((_of_whole_letters(raw, found) for found in merged), key=lambda found: found[:2])
        places = _letter_places(raw, merged)
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


def _merge(candidates: list[Candidate]) -> list[Candidate]:
    """Join overlapping candidates into the widest span, under the label of the highest rank."""
    if len(candidates) < 2:
        return candidates
    ordered = sorted(candidates, key=lambda found: (found[0], -found[1]))
    merged: list[Candidate] = []
    first, last, known = ordered[0]
    for start, end, label in ordered[1:]:
        if start < last:
            last = max(last, end)
            known = label if label.rank > known.rank else known
        else:
            merged.append((first, last, known))
            first, last, known = start, end, label
    merged.append((first, last, known))
    return merged


def _of_whole_letters(raw: bytes, found: Candidate) -> Candidate:
    """Return the candidate with the letters in whose midst it begins or ends: what was not read knows of no letters."""
    start, end, label = found
    while raw[start] & 0xC0 == 0x80:
        start -= 1
    while end < len(raw) and raw[end] & 0xC0 == 0x80:
        end += 1
    return start, end, label


def _letter_places(raw: bytes, candidates: Iterable[Candidate]) -> dict[int, int]:
    places: dict[int, int] = {}
    letters = previous = 0
    for offset in sorted({offset for start, end, _ in candidates for offset in (start, end)}):
        letters += len(raw[previous:offset].decode("utf-8", "surrogatepass"))
        previous = offset
        places[offset] = letters
    return places
