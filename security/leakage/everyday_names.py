"""What customers' names may look like in a text, and which of them are everyday words: Target's order, our target."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

_WORDS_FILE = Path(__file__).parent / "rules" / "common_words.txt"
_LEGAL_FORM = (
    rb"(?:inc|corp|corporation|company|co|ltd|limited|llc|plc|gmbh|ag|se|sa|sas|sarl|bv|nv|oy|ab|as|kg|group"
    rb"|holdings?)\b"
)
_LEGAL_AFTER = re.compile(rb"(?:'s|\xe2\x80\x99s)\b|[ ,]{1,2}" + _LEGAL_FORM, re.IGNORECASE)
_ACTS = re.compile(
    rb" (?:has|had|was|asked|wants?|wanted|needs?|needed|uses|used|pays|paid|signed|renewed|ordered|reported|cancell?ed"
    rb"|agreed|told|wrote|said|decided|complained|sent|bought|owes?|owed)\b"
)
_SENTENCE_START = re.compile(rb"(?:^|[.!?:;|>*#\n\"(-])[ \t*_#>\"-]*$")
_OTHER_CAPITAL = re.compile(rb" [A-Z]")


_AND = re.compile(r" (?:&|and|und|et|y) ")
_LEGAL_END = re.compile(
    r",? (?:inc|ltd|limited|llc|plc|gmbh|ag|s\.?a|s\.?r\.?l|b\.?v|n\.?v|oy|ab|kg|se|sas)\.?$", re.IGNORECASE
)


# Two words, or one with a capital or a digit inside.
_TELLING = re.compile(r"\w \w|[a-z][A-Z0-9]")


def other_spellings(name: str) -> Iterable[str]:
    """Return the name with its other "and", and without its legal form where the rest is telling."""
    if _AND.search(name):
        yield _AND.sub(" and " if "&" in name else " & ", name)
    short = _LEGAL_END.sub("", name)
    if short != name and _TELLING.search(short):
        yield short


def is_everyday(name: str) -> bool:
    """Tell whether the name is one word that texts use without meaning a company."""
    return name.isalpha() and name.isascii() and name.lower() in _everyday_words()


@cache
def _everyday_words() -> frozenset[str]:
    lines = _WORDS_FILE.read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def stands_as_name(raw: bytes, first: int, last: int) -> bool:
    """Tell whether the everyday word from `first` to `last` is written and used as a company's name."""
    if not raw[first : first + 1].isupper():
        return False
    if _LEGAL_AFTER.match(raw, last) or _ACTS.match(raw, last):
        return True
    return not _SENTENCE_START.search(raw, max(0, first - 8), first) and not _OTHER_CAPITAL.match(raw, last)
