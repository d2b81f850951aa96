"""One pass over the bytes with every expression at once: Hyperscan where it can be imported, else RE2."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

# A hit is one integer, `end << SIGNAL_BITS | signal`: cheap to make in a callback, and sorted by place.
SIGNAL_BITS = 13
SIGNAL_MASK = (1 << SIGNAL_BITS) - 1


@dataclass(frozen=True, slots=True)
class Expression:
    """A pattern for the engine; its index in the list is its signal. No lookaround, no back-references."""

    pattern: str
    caseless: bool = False
    once: bool = False


class Engine(Protocol):
    """Find where expressions end in bytes."""

    def scan(self, raw: bytes, limit: int) -> list[int]:
        """Return the hits in `raw`, sorted by place, at most `limit` of them."""


def open_engine(expressions: Sequence[Expression], *, cache_dir: Path, name: str = "") -> Engine:
    """Return the fastest engine that this machine has, or the one named ("hyperscan" or "re2")."""
    if name == "re2" or (not name and importlib.util.find_spec("hyperscan") is None):
        from security.leakage.engine_re2 import Re2Engine  # noqa: PLC0415 - each engine is imported only where it is used

        return Re2Engine(expressions)
    from security.leakage.engine_hyperscan import HyperscanEngine  # noqa: PLC0415 - absent on some machines

    return HyperscanEngine(expressions, cache_dir=cache_dir)
