"""The SEO specialist: finds keywords, measures how dense they stand, and writes title and description."""

from collections.abc import Sequence

from examples.agent import Decision, Request, confidence, handle
from examples.brief import Brief
from examples.professions.pipeline import hand_on
from examples.wording import amount, key_terms, sentences, shorten, words
from examples.worksheet import Worksheet, material, quoted

TITLE_LENGTH = 60
DESCRIPTION_LENGTH = 155
KEYWORDS = 3


def decide(request: Request) -> Decision:
    sheet = Worksheet.read(request.instruction)
    brief = Brief.read(sheet.request)
    text = sheet.sections.get("Draft") or quoted(sheet.request) or material(sheet.request) or sheet.request
    keywords = brief.keywords or key_terms(text, KEYWORDS)
    found = search_section(text, keywords)
    used = sum(keyword in text.casefold() for keyword in keywords)
    done = f"Placed {used} of {amount(len(keywords), 'keyword')} in title and description"
    if "Draft" not in sheet.sections:
        return handle(found, reason=f"{done}.", confidence=confidence(used, len(keywords)))
    return hand_on(
        request,
        sheet.with_section("Search", found),
        after="seo",
        done=done,
        held=used,
        trials=len(keywords),
        result=f"{text}\n\n{found}",
    )


def search_section(text: str, keywords: Sequence[str]) -> str:
    """Give title, description, and each keyword with its share of the words in percent."""
    spoken = [sentence for sentence in sentences(text) if words(sentence)]
    headline = spoken[0] if spoken else ""
    title = headline if len(headline) <= TITLE_LENGTH else shorten(headline.partition(":")[0], TITLE_LENGTH)
    for keyword in keywords:
        if keyword not in title.casefold() and len(title) + len(keyword) + 3 <= TITLE_LENGTH:
            title = f"{title} | {keyword}"
    body = " ".join(spoken[1:]) or headline
    lines = [f"Title: {title}", f"Description: {shorten(body, DESCRIPTION_LENGTH)}"]
    return "\n".join([*lines, *(f"Keyword: {keyword}, {density(text, keyword):.1f} %" for keyword in keywords)])


def density(text: str, keyword: str) -> float:
    """Give the percentage of the text's words that belong to a mention of the keyword."""
    total = len(words(text))
    return 100 * text.casefold().count(keyword) * max(1, len(words(keyword))) / total if total else 0.0
