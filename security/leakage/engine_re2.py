"""The engine on RE2, for machines without a Hyperscan wheel: slower, linear in time, with the same hits."""

from __future__ import annotations

from collections.abc import Sequence

import re2

from security.leakage.engine import SIGNAL_BITS, Expression

_MAX_MEMORY_BYTES = 512 << 20


class Re2Engine:
    """Ask one set which expressions occur, then find each of those."""

    def __init__(self, expressions: Sequence[Expression]) -> None:
        options = _options()
        self._set = re2.Set.SearchSet(options)
        self._single = [re2.compile(_pattern(expression), options) for expression in expressions]
        self._once = [expression.once for expression in expressions]
        for expression in expressions:
            self._set.Add(_pattern(expression))
        self._set.Compile()

    def scan(self, raw: bytes, limit: int) -> list[int]:
        """Return the hits in `raw`, sorted by place, at most `limit` of them."""
        hits: list[int] = []
        for signal in self._set.Match(raw) or ():
            self._find(raw, signal, limit, hits)
        hits.sort()
        return hits[:limit]

    def _find(self, raw: bytes, signal: int, limit: int, hits: list[int]) -> None:
        search = self._single[signal].search
        seen = -1
        match = search(raw)
        while match is not None and len(hits) < limit * 2:
            if match.end() != seen:
                seen = match.end()
                hits.append(seen << SIGNAL_BITS | signal)
            if self._once[signal]:
                return
            match = search(raw, match.start() + 1)


def _pattern(expression: Expression) -> bytes:
    return ("(?is)" if expression.caseless else "(?s)").encode() + expression.pattern.encode()


def _options() -> re2.Options:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = _MAX_MEMORY_BYTES
    options.log_errors = False
    return options
