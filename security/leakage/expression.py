"""The small regular-expression dialect of the rules, and what can be derived from a rule's pattern.

Rules keep to literals, escapes, classes, groups, alternation and greedy counts, so that the trigger for the engine can
be derived from the pattern.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

UNBOUNDED = -1
_COUNT = re.compile(r"\{(\d+)(,?)(\d*)\}")
_SPECIAL = frozenset(".[](){}*+?|\\^$")


class ExpressionError(ValueError):
    """Report a pattern that the dialect does not know."""


@dataclass(frozen=True, slots=True)
class Atom:
    """One letter, class or group, repeated `low` to `high` times."""

    text: str
    low: int = 1
    high: int = 1
    branches: tuple[tuple[Atom, ...], ...] = ()

    @property
    def is_literal(self) -> bool:
        """Tell whether this is one fixed letter."""
        plain = len(self.text) == 1 or (len(self.text) == 2 and self.text[0] == "\\" and self.text[1] not in "dws")
        return not self.branches and plain and self.low == self.high == 1

    @property
    def letter(self) -> str:
        """Return the literal letter without its escape."""
        return self.text[-1]


def parse(pattern: str) -> tuple[Atom, ...]:
    """Return the atoms of `pattern`.

    Raises ExpressionError for anything outside the dialect.
    """
    branches, end = _branches(pattern, 0)
    if end != len(pattern):
        raise ExpressionError(f"unbalanced group in {pattern!r}")
    return branches[0] if len(branches) == 1 else (Atom("", branches=branches),)


def _branches(pattern: str, position: int) -> tuple[tuple[tuple[Atom, ...], ...], int]:
    branches: list[tuple[Atom, ...]] = []
    atoms: list[Atom] = []
    while position < len(pattern) and pattern[position] != ")":
        if pattern[position] == "|":
            branches.append(tuple(atoms))
            atoms = []
            position += 1
            continue
        atom, position = _atom(pattern, position)
        atom, position = _counted(atom, pattern, position)
        atoms.append(atom)
    return (*branches, tuple(atoms)), position


def _atom(pattern: str, position: int) -> tuple[Atom, int]:
    letter = pattern[position]
    if letter == "\\":
        return Atom(pattern[position : position + 2]), position + 2
    if letter == "[":
        end = pattern.index("]", position + 2) + 1
        return Atom(pattern[position:end]), end
    if letter == "(":
        if not pattern.startswith("(?:", position):
            raise ExpressionError(f"only (?:...) groups: {pattern!r}")
        branches, end = _branches(pattern, position + 3)
        return Atom("", branches=branches), end + 1
    if letter in _SPECIAL and letter != ".":
        raise ExpressionError(f"unexpected {letter!r} in {pattern!r}")
    return Atom(letter), position + 1


def _counted(atom: Atom, pattern: str, position: int) -> tuple[Atom, int]:
    mark = pattern[position : position + 1]
    if mark in ("?", "*", "+") and mark:
        low, high = {"?": (0, 1), "*": (0, UNBOUNDED), "+": (1, UNBOUNDED)}[mark]
        return replace(atom, low=low, high=high), position + 1
    counted = _COUNT.match(pattern, position)
    if counted is None:
        return atom, position
    low = int(counted[1])
    high = low if not counted[2] else int(counted[3] or UNBOUNDED)
    return replace(atom, low=low, high=high), counted.end()


def render(atoms: tuple[Atom, ...]) -> str:
    """Return the pattern that `atoms` came from."""
    return "".join(_body(atom) + _count(atom) for atom in atoms)


def _body(atom: Atom) -> str:
    return f"(?:{'|'.join(render(branch) for branch in atom.branches)})" if atom.branches else atom.text


def _count(atom: Atom) -> str:
    if (atom.low, atom.high) == (1, 1):
        return ""
    if atom.low == atom.high:
        return f"{{{atom.low}}}"
    return f"{{{atom.low},{'' if atom.high == UNBOUNDED else atom.high}}}"


def shortest(atoms: tuple[Atom, ...]) -> tuple[Atom, ...]:
    """Return `atoms` with the last count at its least, so that an engine reports each start once."""
    if not atoms:
        return atoms
    *head, last = atoms
    if last.low == 0:
        return shortest(tuple(head))
    branches = tuple(shortest(branch) for branch in last.branches) if last.high == 1 else last.branches
    return (*head, replace(last, high=last.low, branches=branches))


def literal_prefix(atoms: tuple[Atom, ...]) -> str:
    """Return the letters that every match begins with."""
    letters = []
    for atom in atoms:
        if not atom.is_literal:
            break
        letters.append(atom.letter)
    return "".join(letters)


def escaped(text: str) -> str:
    """Return a pattern that matches `text` itself."""
    return "".join("\\" + letter if letter in _SPECIAL or letter == "-" else letter for letter in text)
