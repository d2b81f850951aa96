"""The compliance officer: finds the claims in a text that need proof, and personal data that should not be there."""

import re
from dataclasses import dataclass

from examples.agent import Decision, Request, confidence, handle
from examples.tables import without_tables
from examples.wording import amount, sentences
from examples.worksheet import Worksheet, items, quoted

RULES = {
    "absolute claim": r"always|never|guaranteed?|100 ?%|risk-free|every time|no side effects|cannot fail",
    "superlative without proof": r"best|fastest|cheapest|safest|number one|no\. ?1|leading|unbeatable|greenest",
    "comparison without a source": r"(?:better|faster|cheaper|safer|greener|more \w+) than|outperforms?",
    "environmental claim": r"eco-friendly|climate[- ]neutral|carbon[- ]neutral|sustainable|green(?:er)?",
    "health claim": r"cures?|heals?|prevents?|clinically|detox\w*",
}
PERSONAL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+|(?<!\d)\+?\d[\d ()/-]{8,24}\d")
SOURCED = re.compile(r"\b(according to|source:|study|measured|tested|certified)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    sentence: str
    rule: str
    words: str


def decide(request: Request) -> Decision:
    sheet = Worksheet.read(request.instruction)
    text = sheet.sections.get("Draft") or quoted(sheet.request) or "\n".join(items(sheet.request)) or sheet.request
    read = sentences(without_tables(text))
    objections = [objection for sentence in read for objection in examine(sentence)]
    clean = len(read) - len({objection.sentence for objection in objections})
    lines = [f"Compliance: {clean} of {amount(len(read), 'statement')} can stand as written."]
    lines += [f"- {found.rule} ('{found.words}'): {found.sentence}" for found in objections]
    reason = f"Held {amount(len(read), 'statement')} against {len(RULES) + 1} rules, {len(objections)} objections."
    return handle("\n".join(lines), reason=reason, confidence=confidence(len(read), len(read)))


def examine(sentence: str) -> list[Objection]:
    """Give what is wrong with a sentence; one that names its source may compare. Personal data is masked."""
    masked = PERSONAL.sub("[personal data]", sentence)
    found = [Objection(sentence=masked, rule="personal data", words="[personal data]")] if masked != sentence else []
    for rule, pattern in RULES.items():
        match = re.search(rf"\b(?:{pattern})", masked, re.IGNORECASE)
        if match and not SOURCED.search(masked):
            found.append(Objection(sentence=masked, rule=rule, words=match[0]))
    return found
