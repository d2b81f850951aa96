"""A text that no log, traceback, form or JSON shows by accident."""

import hmac
from typing import Final

_MASK: Final = "••••"
# Four characters of anything shorter would tell too much of it.
_SHORTEST_SHOWN = 16


class Secret:
    """Hold a text that must be asked for: ``repr``, ``str`` and ``format`` give its mask."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def __repr__(self) -> str:
        return f"{_MASK}{self._text[-4:]}" if len(self._text) >= _SHORTEST_SHOWN else _MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(_bytes(self._text), _bytes(other._text))

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str:
        # A pickle (a cache, a queue) would hold the text in the clear.
        raise TypeError("a Secret cannot be pickled")

    def __deepcopy__(self, memo: object) -> "Secret":
        return self


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
