"""The copywriter: makes a headline and a text out of the facts, within the length that was asked for."""

from examples.agent import Decision, Request, ask
from examples.brief import PEOPLE, Brief, concreteness
from examples.professions.pipeline import hand_on
from examples.wording import amount, as_sentence, sentences, shorten, words
from examples.worksheet import Worksheet

HEADLINE_LENGTH = 70


def decide(request: Request) -> Decision:
    sheet = Worksheet.read(request.instruction)
    for answer in request.answers:
        sheet = sheet.with_line("\n".join(f"- {fact}" for fact in sentences(answer)))
    brief = Brief.read(sheet.request)
    if not brief.facts:
        return ask(
            f"Which facts should the text about {brief.topic or 'this'} tell?",
            reason="The request holds no facts, and a text must not invent any.",
            confidence=0.3,
        )
    draft, told = write(brief)
    return hand_on(
        request,
        sheet.with_section("Draft", draft),
        after="copywriting",
        done=f"Drafted {amount(len(words(draft)), 'word')} from {told} of {amount(len(brief.facts), 'fact')}",
        held=told,
        trials=len(brief.facts),
        result=draft,
    )


def write(brief: Brief) -> tuple[str, int]:
    """Give headline and text, and how many facts it tells; the weakest facts go first where it gets too long."""
    facts = sorted(brief.facts, key=concreteness, reverse=True)
    while len(facts) > 1 and brief.word_limit is not None and len(words(_compose(brief, facts))) > brief.word_limit:
        facts.pop()
    return _compose(brief, facts), len(facts)


def _compose(brief: Brief, facts: list[str]) -> str:
    topic = brief.topic[:1].upper() + brief.topic[1:]
    headlines = (f"{topic}: {fact.rstrip('.')}" for fact in facts)
    headline = next((line for line in headlines if len(line) <= HEADLINE_LENGTH), shorten(topic, HEADLINE_LENGTH))
    lead = f"For {_in_a_sentence(brief.audience)}: {facts[0]}" if brief.audience else facts[0]
    return f"{headline}\n\n{' '.join(as_sentence(fact) for fact in (lead, *facts[1:]))}"


def _in_a_sentence(audience: str) -> str:
    """Write 'Owners of bakeries' with a small letter, but leave a name as it is."""
    first = audience.split(maxsplit=1)[0]
    return audience[0].lower() + audience[1:] if first.casefold() in PEOPLE else audience
