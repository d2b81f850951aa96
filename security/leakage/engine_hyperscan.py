"""The engine on Intel Hyperscan, whose compiled database is kept on disk."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import hyperscan

from security.leakage.engine import SIGNAL_BITS, Expression
from security.leakage.file_cache import load_cached, store_cached


def _collector(found: list[int], limit: int) -> Callable[..., bool]:
    """Return what notes a hit and tells whether there are enough: it runs for each of them, so it does no more."""
    add = found.append

    def on_match(signal: int, _start: int, end: int, _flags: int, _context: None) -> bool:
        add(end << SIGNAL_BITS | signal)
        return len(found) >= limit

    return on_match


class HyperscanEngine:
    """Scan with one compiled database, shared by threads; each thread has its own scratch space."""

    def __init__(self, expressions: Sequence[Expression], *, cache_dir: Path) -> None:
        self._database = _open_database(expressions, cache_dir)
        self._local = threading.local()

    def scan(self, raw: bytes, limit: int) -> list[int]:
        """Return the hits in `raw`, sorted by place, at most `limit` of them."""
        try:
            scratch = self._local.scratch
        except AttributeError:
            scratch = self._local.scratch = hyperscan.Scratch(self._database)
        found: list[int] = []
        with contextlib.suppress(hyperscan.ScanTerminated):
            self._database.scan(raw, match_event_handler=_collector(found, limit), scratch=scratch)
        found.sort()
        return found


def _open_database(expressions: Sequence[Expression], cache_dir: Path) -> hyperscan.Database:
    path = cache_dir / f"leakage-{_fingerprint(expressions)}.hsdb"
    stored = load_cached(path)
    if stored is not None:
        try:
            return hyperscan.loadb(stored, hyperscan.HS_MODE_BLOCK)
        except hyperscan.HyperscanError:
            pass  # another processor's or version's database: compiled anew below
    database = _compile(expressions)
    store_cached(path, bytes(hyperscan.dumpb(database)))
    return database


def _fingerprint(expressions: Sequence[Expression]) -> str:
    digest = hashlib.sha256(version("hyperscan").encode())
    for expression in expressions:
        digest.update(repr(expression).encode())
    return digest.hexdigest()[:32]


def _compile(expressions: Sequence[Expression]) -> hyperscan.Database:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[expression.pattern.encode() for expression in expressions],
        ids=list(range(len(expressions))),
        elements=len(expressions),
        flags=[_flags(expression) for expression in expressions],
    )
    return database


def _flags(expression: Expression) -> int:
    flags = int(hyperscan.HS_FLAG_DOTALL)
    flags |= hyperscan.HS_FLAG_CASELESS if expression.caseless else 0
    return flags | (hyperscan.HS_FLAG_SINGLEMATCH if expression.once else 0)
