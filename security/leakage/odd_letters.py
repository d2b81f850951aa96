"""Find letters next to digits, and capitals at odd places: hardly a secret is without, and most prose is."""

from __future__ import annotations

_LOWER, _UPPER, _DIGITS = b"abcdefghijklmnopqrstuvwxyz", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"0123456789"
_SIDES = bytes(
    ord("0") if code in _DIGITS else ord("x") if code in _LOWER + _UPPER + b"!#$%^&*_=?@~+" else 32
    for code in range(256)
)
_KINDS = bytes(
    ord("a") if code in _LOWER else ord("A") if code in _UPPER else ord("0") if code in _DIGITS else 32
    for code in range(256)
)


def has_odd_letters(stretch: bytes) -> bool:
    """Tell whether there is such a place in `stretch`. (One byte is found several times faster than two.)"""
    kinds = stretch.translate(_KINDS)
    if b"0" in kinds:
        sides = stretch.translate(_SIDES)
        if b"x0" in sides or b"0x" in sides:
            return True
    return kinds.count(b"A") > 1 and (b"aAA" in kinds or b"AaA" in kinds)


def odd_places(stretch: bytes) -> list[int]:
    """Return the first places of such neighbours, sorted."""
    sides, kinds = stretch.translate(_SIDES), stretch.translate(_KINDS)
    found = _beside_digits(sides)
    if kinds.count(b"A") > 1 and (b"aAA" in kinds or b"AaA" in kinds):
        return sorted({*found, *_places(kinds, b"aAA"), *_places(kinds, b"AaA")})
    return found


def _beside_digits(sides: bytes) -> list[int]:
    found = []
    place = sides.find(_DIGIT)
    while place >= 0:
        if place and sides[place - 1] == _OTHER:
            found.append(place - 1)
        if sides[place + 1 : place + 2] == b"x":
            found.append(place)
        place = sides.find(_DIGIT, place + 1)
    return found


_DIGIT, _OTHER = b"0x"


def _places(letters: bytes, wanted: bytes) -> list[int]:
    found = []
    place = letters.find(wanted)
    while place >= 0:
        found.append(place)
        place = letters.find(wanted, place + 1)
    return found
