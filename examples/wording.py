"""Plain text arithmetic: sentences, terms, syllables, readability, and cutting at a word boundary."""

import re
from collections import Counter
from collections.abc import Iterable

_STOPWORDS_LISTED = """
    a about above after again all also am an and any are as at be because been before being below between both but
    by can could did do does doing down during each few for from further had has have having he her here hers him
    his how i if in into is it its itself just me more most my new no nor not now of off on once only or other our
    ours out over own per please same she should so some such than that the their theirs them then there these they
    this those through to too under until up us very was we were what when where which while who whom why will with
    would you your yours
"""
STOPWORDS = frozenset(_STOPWORDS_LISTED.split())
SHORTEST_TERM = 3


def words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_][\w'’-]*", text)


def sentences(text: str) -> list[str]:
    """Split at sentence ends and line ends, without bullets; '1.5' and 'a.b' are no sentence ends."""
    lines = (re.sub(r"^\s*(?:[-*•>]|\d+[.)])\s+", "", line).strip() for line in text.splitlines())
    return [part for line in lines if line for part in re.split(r"(?<=[.!?])\s+", line) if part]


def terms(text: str) -> list[str]:
    """Give the words that carry meaning, in lower case and in the order they come."""
    lowered = (word.casefold() for word in words(text))
    return [word for word in lowered if len(word) >= SHORTEST_TERM and word not in STOPWORDS]


def key_terms(text: str, limit: int) -> tuple[str, ...]:
    """Give the `limit` most frequent terms; of equals, the one that comes first."""
    return tuple(term for term, _ in Counter(terms(text)).most_common(limit))


def syllables(word: str) -> int:
    """Estimate by the groups of vowels, a silent final e left out."""
    groups = len(re.findall(r"[aeiouyà-ÿ]+", word.casefold()))
    silent = word.casefold().endswith("e") and not word.casefold().endswith("le")
    return max(1, groups - (1 if silent else 0))


def reading_ease(text: str) -> float:
    """Give the Flesch reading ease, about 0 (hard) to 100 (easy): 206.835 - 1.015 w/s - 84.6 syllables/w."""
    spoken = words(text)
    if not spoken:
        return 100.0
    per_sentence = len(spoken) / max(1, len(sentences(text)))
    return 206.835 - 1.015 * per_sentence - 84.6 * sum(map(syllables, spoken)) / len(spoken)


def shorten(text: str, limit: int) -> str:
    """Cut to at most `limit` characters, between words where there are any."""
    if len(text) <= limit:
        return text
    cut = text[: limit + 1].rpartition(" ")[0] or text[:limit]
    return cut.rstrip(" ,;:-–—")


def as_sentence(text: str) -> str:
    """Begin with a capital and end with a stop."""
    text = text.strip()
    return text if not text else text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")


def listed(names: Iterable[str]) -> str:
    """Write 'a', 'a and b', or 'a, b and c'."""
    *first, last = list(names) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def amount(count: int, noun: str) -> str:
    """Write '1 row' or '2 rows'."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
