"""The content lead: makes sure the brief is complete, orders the facts, and hands the outline to a writer."""

from examples.agent import Decision, Request, ask
from examples.brief import Brief, concreteness
from examples.professions.pipeline import hand_on
from examples.wording import amount, words
from examples.worksheet import Worksheet

WORDS_PER_FACT = 15


def decide(request: Request) -> Decision:
    sheet = with_audience(Worksheet.read(request.instruction), request)
    brief = Brief.read(sheet.request)
    if not brief.audience and not request.answers:
        return ask(
            f"Who is the text about {brief.topic or 'this'} written for?",
            reason="The request names no audience, and the order of the facts depends on it.",
            confidence=0.4,
        )
    known = (brief.topic, brief.audience, brief.facts, brief.word_limit, brief.keywords)
    outlined = sheet.with_section("Outline", outline(brief))
    return hand_on(
        request,
        outlined,
        after="content-strategy",
        done=f"Ordered {amount(len(brief.facts), 'fact')} for {brief.audience or 'a general audience'}",
        held=sum(bool(part) for part in known),
        trials=len(known),
        result=outlined.sections["Outline"],
    )


def with_audience(sheet: Worksheet, request: Request) -> Worksheet:
    """Write a person's answer into the request, so that everyone down the chain reads it."""
    for answer in request.answers:
        who = answer.strip().rstrip(".").removeprefix("For ").removeprefix("for ")
        sheet = sheet.with_line(f"Audience: {who}.") if who else sheet
    return sheet


def outline(brief: Brief) -> str:
    """List topic, audience, length and the facts, the most concrete first."""
    ordered = sorted(brief.facts, key=concreteness, reverse=True)
    length = brief.word_limit or WORDS_PER_FACT * max(1, len(ordered)) + len(words(brief.topic))
    lines = [f"Topic: {brief.topic}", f"Audience: {brief.audience or 'general'}", f"Length: at most {length} words"]
    return "\n".join([*lines, *(f"{number}. {fact}" for number, fact in enumerate(ordered, start=1))])
