"""The researcher: reads the sources of a request and draws out the sentences that bear on its question."""

from collections import Counter

from examples.agent import Decision, Request, choose, confidence, delegate, handle
from examples.skills import wants
from examples.wording import amount, key_terms, sentences, terms
from examples.worksheet import Worksheet, prose, quoted

SENTENCES_KEPT = 4
THEMES = 5


def decide(request: Request) -> Decision:
    sheet = Worksheet.read(request.instruction)
    for answer in request.answers:
        sheet = sheet.with_line(answer)
    source = quoted(sheet.request) or sheet.request
    question = prose(sheet.request)
    half = -(-len(sentences(source)) // 2)
    kept = extract(source, query=question, limit=min(SENTENCES_KEPT, half))
    asked = set(terms(question))
    covered = asked & set(terms(" ".join(kept)))
    lines = [f"Read {amount(len(sentences(source)), 'sentence')}; these bear most on the question:"]
    lines += [f"- {sentence}" for sentence in kept]
    lines.append(f"Themes: {', '.join(key_terms(source, THEMES))}.")
    trust = confidence(len(covered), len(asked))
    done = f"Kept {amount(len(kept), 'sentence')} that cover {len(covered)} of {amount(len(asked), 'term')} asked for"
    checker = choose(request.colleagues, "fact-checking") if wants(sheet.request, "fact-checking") else None
    if checker is not None:
        handed = sheet.with_section("Draft", "\n".join(lines))
        reason = f"{done}; {checker.name} is to check them."
        return delegate(checker, str(handed), reason=reason, confidence=trust)
    return handle("\n".join(lines), reason=f"{done}.", confidence=trust)


def extract(source: str, *, query: str, limit: int) -> list[str]:
    """Give the `limit` weightiest sentences in their own order.

    A sentence weighs the mean frequency of its terms in the source, a term of the query counted three times over.
    """
    spoken = sentences(source)
    frequency = Counter(terms(source))
    wanted = set(terms(query))

    def weight(sentence: str) -> float:
        found = terms(sentence)
        return sum(frequency[term] * (3 if term in wanted else 1) for term in found) / max(1, len(found))

    best = sorted(range(len(spoken)), key=lambda index: weight(spoken[index]), reverse=True)[:limit]
    return [spoken[index] for index in sorted(best)]
