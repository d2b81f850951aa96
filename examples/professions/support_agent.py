"""The support agent: sorts a customer's message by matter and urgency, and drafts a reply to what it says."""

import re

from examples.agent import Decision, Request, confidence, handle
from examples.wording import as_sentence, listed, sentences, terms
from examples.worksheet import Worksheet, quoted

MATTERS = {
    "delivery": "deliver delivered delivery shipping shipped parcel package arrive arrived late tracking courier",
    "billing": "invoice charged charge bill billing refund paid payment price money twice",
    "defect": "broken defect defective faulty damaged crack cracked stopped working error crash",
    "access": "login password account locked access sign reset",
}
URGENT = re.compile(r"\b(urgent(ly)?|immediately|asap|today|lawyer|third time|still (no|not))\b|!{2,}", re.IGNORECASE)
_REFERENCE = re.compile(r"\b(?:order|invoice|ticket)\s*(?:no\.?|number|#)?\s*([A-Z]{0,3}-?\d{3,10})\b", re.IGNORECASE)
_DATE = re.compile(
    r"\b20\d\d-\d\d-\d\d\b|\b\d{1,2} (?:January|February|March|April|May|June|July|August|September|October"
    r"|November|December)\b"
)


def decide(request: Request) -> Decision:
    text = Worksheet.read(request.instruction).request
    letter = quoted(text) or text
    counts = {matter: _count(letter, vocabulary) for matter, vocabulary in MATTERS.items()}
    matter, hits = max(counts.items(), key=lambda pair: pair[1])
    matter = matter if hits else "general"
    urgent = [match[0] for match in URGENT.finditer(letter)]
    references = list(dict.fromkeys(_REFERENCE.findall(letter)))
    lines = [
        f"Matter: {matter} ({hits} of {sum(counts.values())} telling words)",
        f"Urgency: {'high' if urgent else 'normal'}{f' ({listed(urgent)})' if urgent else ''}",
        f"References: {listed(references) if references else 'none'}",
        "",
        reply(letter, matter, references),
    ]
    reason = f"{hits} of {sum(counts.values())} telling words speak of {matter}."
    return handle("\n".join(lines), reason=reason, confidence=confidence(hits, sum(counts.values())))


def reply(letter: str, matter: str, references: list[str]) -> str:
    """Draft an answer that repeats the customer's own point, references and dates, and asks for what is missing."""
    spoken = sentences(letter)
    vocabulary = set(MATTERS.get(matter, "").split())
    point = max(spoken, key=lambda sentence: len(vocabulary & set(terms(sentence))), default="")
    dates = list(dict.fromkeys(_DATE.findall(letter)))
    about = f" about {listed(references)}" if references else ""
    lines = [f"Thank you for writing{about}.", f'You tell us: "{as_sentence(point)}"']
    lines += [f"We look into what happened on {listed(dates)}."] if dates else []
    lines += [] if references else ["Please send us the order number, so that we can look into it."]
    return " ".join(lines)


def _count(letter: str, vocabulary: str) -> int:
    known = set(vocabulary.split())
    return sum(term in known for term in terms(letter))
