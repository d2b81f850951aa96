"""Tell from the words of a request which skills it calls for, and who among the colleagues has them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from examples.agent import Colleague, choose, normal
from examples.worksheet import material, statements

# Skill to the words that call for it; the first skill of a row is asked for first, the others will do as well.
CALLED_BY: Mapping[tuple[str, ...], str] = {
    (
        "content-strategy",
        "copywriting",
    ): r"write|draft|compose|(?:create|prepare|make|need) (?:\w+ ){0,3}"
    r"(?:text|announcement|newsletter|post|description|article|page)",
    (
        "data-analysis",
        "financial-analysis",
    ): r"analy[sz]e|analysis|figures|totals?|averages?|growth|trends?|mean|statistics",
    ("research",): r"research|investigate|find out|look into|summari[sz]e the sources?",
    ("compliance",): r"compliance|compliant|legal(?:ly)?|regulations?|claims|gdpr|misleading",
    ("project-planning",): r"schedule|timeline|milestones?|plan the|critical path",
    ("customer-support",): r"complaint|support ticket|customer (?:writes|asks|complains)|reply to",
    ("integration",): r"integrat\w+|connect|webhooks?|api",
    ("payments",): r"pay|transfer|settle",
    ("seo",): r"seo|search|keywords?|rank(?:ing)?",
    ("editing", "fact-checking"): r"edit|proofread|polish",
    ("fact-checking", "editing"): r"check|checked|verify|verified|recompute|double-check",
    ("publishing",): r"publish|go live",
}
# Work on another's product: it is the one who makes the product that hands it on, when it is done.
FOLLOWS: Mapping[str, frozenset[str]] = {
    "seo": frozenset({"content-strategy"}),
    "editing": frozenset({"content-strategy"}),
    "fact-checking": frozenset({"data-analysis", "research", "content-strategy"}),
    "publishing": frozenset({"content-strategy"}),
}
STEM = 6
LONGEST_ENDING = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Hold a skill the request calls for, others that will do, and the words that call for it."""

    skills: tuple[str, ...]
    called_by: tuple[str, ...]

    @property
    def skill(self) -> str:
        return self.skills[0]

    def taker(self, colleagues: Sequence[Colleague]) -> Colleague | None:
        return choose(colleagues, *self.skills)


def needs(text: str, colleagues: Iterable[Colleague] = ()) -> tuple[Need, ...]:
    """Give what the running text of a request calls for, in the order it is said.

    A skill that only a colleague's entry names counts too, when the request says its words: 'translation' is called for
    by 'translate'.
    """
    spoken = "\n".join(statements(text))
    found: list[tuple[int, Need]] = []
    for skills, pattern in CALLED_BY.items():
        matches = list(re.finditer(rf"\b(?:{pattern})\b", spoken, re.IGNORECASE))
        if matches:
            called_by = tuple(dict.fromkeys(match[0].casefold() for match in matches))
            found.append((matches[0].start(), Need(skills=skills, called_by=called_by)))
    known = {skill for skills in CALLED_BY for skill in skills}
    unusual = sorted({normal(skill) for colleague in colleagues for skill in colleague.skills} - known)
    found += [
        (match.start(), Need(skills=(skill,), called_by=(match[0].casefold(),)))
        for skill in unusual
        if (match := _said(skill, spoken))
    ]
    return tuple(need for _, need in sorted(found, key=lambda pair: pair[0]))


def wants(text: str, skill: str) -> bool:
    return any(need.skill == skill for need in needs(text))


def independent(asked: Sequence[Need]) -> tuple[Need, ...]:
    """Leave out the needs that follow on another one of those asked for."""
    skills = {need.skill for need in asked}
    return tuple(need for need in asked if not FOLLOWS.get(need.skill, frozenset()) & skills)


def part_for(need: Need, text: str, asked: Sequence[Need]) -> str:
    """Cut out what concerns one need: its own sentences, those that follow on it, neutral ones, and the material."""
    others = {other.skill for other in independent(asked)} - {need.skill}
    kept = [sentence for sentence in statements(text) if _concerns(need, sentence, others)]
    return "\n\n".join(part for part in ("\n".join(kept), material(text)) if part)


def _concerns(need: Need, sentence: str, others: set[str]) -> bool:
    said = {other.skill for other in needs(sentence)}
    if need.skill in said or any(word in sentence.casefold() for word in need.called_by):
        return True
    if any(need.skill in FOLLOWS.get(skill, frozenset()) for skill in said):
        return True
    return not said & others


def _said(skill: str, spoken: str) -> re.Match[str] | None:
    """Find the skill's words in the text by their stems, and only where all of them are said."""
    patterns = [rf"\b{re.escape(word[: max(STEM, len(word) - LONGEST_ENDING)])}\w*" for word in skill.split("-")]
    matches = [re.search(pattern, spoken, re.IGNORECASE) for pattern in patterns]
    return matches[0] if all(matches) else None
