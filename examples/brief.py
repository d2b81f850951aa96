"""What a request for a text says about it: topic, audience, facts, length, keywords and words to avoid."""

import re
from dataclasses import dataclass

from examples.wording import key_terms, shorten, words
from examples.worksheet import items, prose, statements

_PEOPLE_LISTED = """
    adults bakers bakeries beginners businesses buyers children clients companies customers designers developers
    doctors drivers employees engineers executives experts families farmers founders gamers gardeners hikers
    hobbyists investors journalists learners managers members merchants musicians newcomers nurses offices owners
    parents partners patients people photographers players professionals readers retailers runners sellers seniors
    shops startups students subscribers teachers teams teenagers travellers travelers users visitors volunteers
    workers writers
"""
PEOPLE = frozenset(_PEOPLE_LISTED.split())
TOPIC_LENGTH = 60
_PIECE = r"(?:description|announcement|article|post|newsletter|copy|text|page|story|summary|email|flyer|note)s?"
_TOPIC = re.compile(
    rf"\b{_PIECE}\s+(?:of|about|on|for|announcing|introducing)\s+(?:the |our |a |an )?(?P<topic>.+?)"
    r"(?=\s+(?:for|aimed at|targeted at|addressed to|written for|in at most|with|using)\b"
    r"|\s+and (?:make|have|publish)\b|[.:;,\n]|$)",
    re.IGNORECASE,
)
_NAMED_TOPIC = re.compile(r"^\s*(?:topic|product)\s*:\s*(?P<topic>.+?)\.?$", re.IGNORECASE | re.MULTILINE)
_AUDIENCE = re.compile(
    r"(?:audience\s*(?:is|:)|readers\s*(?:are|:)|aimed at|targeted at|addressed to|written for)\s+(?P<who>[^.;:\n]+)",
    re.IGNORECASE,
)
_FOR = re.compile(rf"\bfor\s+(?P<who>(?:[\w’'-]+\s+){{0,4}}?(?:{'|'.join(sorted(PEOPLE))}))\b", re.IGNORECASE)
_LIMIT = re.compile(r"(?:at most|up to|under|within|no more than|maximum of|max\.?)\s+(\d{1,5})\s+words", re.IGNORECASE)
_KEYWORDS = re.compile(r"keywords?\s*(?:are|is|:)\s*(?P<list>[^.\n]+)", re.IGNORECASE)
_AVOID = re.compile(r"(?:avoid|do not use|don't use|without)\s+(?:the )?words?\s*:?\s*(?P<list>[^.\n]+)", re.IGNORECASE)
_ORDER = re.compile(
    r"\b(write|draft|compose|publish|check|edit|proofread|make|have|please|keywords?|audience|avoid|topic|product)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """Hold what a request says about the text it wants; '' or None where it says nothing."""

    topic: str
    audience: str
    facts: tuple[str, ...]
    word_limit: int | None
    keywords: tuple[str, ...]
    avoid: tuple[str, ...]

    @classmethod
    def read(cls, text: str) -> "Brief":
        limit = _LIMIT.search(text)
        facts = items(text) or [said for said in statements(text) if not _ORDER.search(said)]
        return cls(
            topic=_topic(text, facts),
            audience=_audience(prose(text)),
            facts=tuple(facts),
            word_limit=int(limit[1]) if limit else None,
            keywords=_listed(_KEYWORDS, text),
            avoid=_listed(_AVOID, text),
        )


def concreteness(fact: str) -> tuple[int, int]:
    """Rank a fact: figures convince more than words, and of equals the shorter one."""
    return len(re.findall(r"\d+(?:[.,:/-]\d+)*", fact)), -len(words(fact))


def _topic(text: str, facts: list[str]) -> str:
    spoken = prose(text)
    match = _NAMED_TOPIC.search(spoken) or _TOPIC.search(spoken)
    topic = match["topic"].strip() if match else " ".join(key_terms("\n".join(facts) or spoken, 2))
    return shorten(topic, TOPIC_LENGTH)


def _audience(spoken: str) -> str:
    if match := _AUDIENCE.search(spoken):
        return match["who"].strip().removeprefix("for ")
    match = _FOR.search(spoken)
    return match["who"].strip() if match else ""


def _listed(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    match = pattern.search(text)
    names = re.split(r",|\band\b|;|\bor\b", match["list"]) if match else []
    return tuple(name.strip(" '\"“”").casefold() for name in names if name.strip(" '\"“”"))
