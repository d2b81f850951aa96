"""The publisher: makes a finished text ready to go live, once a person has approved that it is given to it."""

import re
import unicodedata
import zlib

from examples.agent import Decision, Request, ask, confidence, handle
from examples.brief import Brief
from examples.wording import amount, sentences, words
from examples.worksheet import Worksheet, items, quoted

WORDS_A_MINUTE = 230
SLUG_LENGTH = 60
_DATE = re.compile(r"\b20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])\b")


def decide(request: Request) -> Decision:
    sheet = Worksheet.read(request.instruction)
    for answer in request.answers:
        sheet = sheet.with_section("Draft", answer)
    text = sheet.sections.get("Draft") or quoted(sheet.request) or "\n".join(items(sheet.request))
    if not text:
        return ask("Which text should go live?", reason="The request holds no text to publish.", confidence=0.3)
    day = _DATE.search(sheet.request)
    on = day[0] if day else request.now.date().isoformat()
    lines = [
        f"Published on {on} at /{on[:4]}/{slug(sentences(text)[0])}",
        f"Length: {amount(len(words(text)), 'word')}, {amount(reading_minutes(text), 'minute')} to read",
        f"Version: {zlib.crc32(text.encode()):08x}",
    ]
    brief = Brief.read(sheet.request)
    fits = brief.word_limit is None or len(words(text)) <= brief.word_limit
    reason = f"The text is complete{'' if fits else ', but longer than asked for'}; dated {on}."
    trust = confidence(sum((fits, day is not None, bool(sheet.sections))), 3)
    return handle("\n".join([*lines, "", text]), reason=reason, confidence=trust)


def reading_minutes(text: str) -> int:
    return max(1, round(len(words(text)) / WORDS_A_MINUTE))


def slug(title: str) -> str:
    """Give the title as it stands in an address: lower case ASCII words joined by hyphens."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().casefold()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:SLUG_LENGTH].rstrip("-") or "untitled"
