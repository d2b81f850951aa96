"""The editor: recomputes figures from their table, checks a text against its brief, and corrects both."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from examples.agent import Decision, Request, confidence, handle
from examples.analysis import Figure, analyse, read_figure
from examples.brief import Brief
from examples.professions.analyst import converted, headline
from examples.professions.pipeline import hand_on
from examples.quantities import display, parse_quantity
from examples.tables import find_tables
from examples.wording import amount, reading_ease, sentences, words
from examples.worksheet import Worksheet, prose, quoted

UNPROVABLE = ("best", "guaranteed", "revolutionary", "world-class", "unbeatable", "perfect", "cutting-edge", "amazing")
HARD_TO_READ = 20.0
WORDS_PER_SENTENCE = 30
_AMOUNT = r"(?:US\$|[$€£¥]|(?-i:[A-Z]{3}) )?\d[\d.,'’]*\d(?:bn|[kMB])?\b|\d"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Hold one thing that was looked at; `remark` says what was found."""

    passed: bool
    remark: str


def decide(request: Request) -> Decision:
    sheet = Worksheet.read(request.instruction)
    parts: list[str] = []
    checks: list[Check] = []
    if find_tables(sheet.request):
        text, found = check_figures(sheet.sections.get("Findings") or prose(sheet.request), sheet.request)
        parts, checks = [*parts, text], [*checks, *found]
    draft = sheet.sections.get("Draft") or quoted(sheet.request) or ("" if parts else sheet.request)
    if draft:
        text, found = check_copy(draft, sheet.request, is_quotation="Draft" not in sheet.sections)
        parts, checks = [*parts, text, sheet.sections.get("Search", "")], [*checks, *found]
        sheet = sheet.with_section("Draft", text)
    return _answer(request, sheet, "\n\n".join(filter(None, parts)), checks)


def check_figures(claims: str, source: str) -> tuple[str, list[Check]]:
    """Recompute the figures claimed in a text from the tables of `source`; give the text put right, and the checks."""
    analyses = [analyse(table) for table in converted(find_tables(source), source)]
    computed = {figure.key: figure for analysis in analyses for figure in analysis.figures}
    checks: list[Check] = []
    lines = [_checked_line(line, computed, checks) for line in claims.splitlines()]
    right = [figure for line in lines if (figure := read_figure(line)) is not None and figure.key in computed]
    opening = [headline(right, source)] if right else []
    return "\n\n".join([*opening, "\n".join(lines).strip()]), checks


def check_copy(text: str, source: str, *, is_quotation: bool) -> tuple[str, list[Check]]:
    """Correct a text against the brief in `source`: length, words to avoid, repeated words, figures, readability."""
    brief = Brief.read(source)
    corrected, checks = text, []
    for pattern, replacement, what in _corrections(brief):
        corrected, count = pattern.subn(replacement, corrected)
        checks.append(Check(passed=count == 0, remark=f"{what}: {amount(count, 'correction')}"))
    corrected = re.sub(
        r"(^|[.!?]\s+)([a-zà-ÿ])", lambda match: match[1] + match[2].upper(), corrected, flags=re.MULTILINE
    )
    corrected, length = _within_limit(corrected, brief.word_limit)
    checks += [length, *_readability(corrected)]
    if not is_quotation:
        checks += _sourced(corrected, source)
    return corrected, checks


def _answer(request: Request, sheet: Worksheet, text: str, checks: list[Check]) -> Decision:
    failed = [check for check in checks if not check.passed]
    held, trials = len(checks) - len(failed), len(checks)
    report = [f"- {held} of {amount(trials, 'check')} held", *(f"- corrected or doubtful: {c.remark}" for c in failed)]
    result = "\n".join([text, "", "## Report", *report])
    done = f"Checked {amount(trials, 'point')}, {held} held"
    if "Draft" in sheet.sections:
        return hand_on(request, sheet, after="editing", done=done, held=held, trials=trials, result=result)
    return handle(result, reason=f"{done}.", confidence=confidence(held, trials))


def _checked_line(line: str, computed: dict[tuple[str, str], Figure], checks: list[Check]) -> str:
    claimed = read_figure(line)
    if claimed is None:
        return _checked_prose(line, computed, checks)
    right = computed.get(claimed.key)
    if right is None:
        checks.append(Check(passed=False, remark=f"{claimed.measure} of {claimed.column} is not in the table"))
        return line
    held = claimed.agrees_with(right)
    remark = f"{right.measure} of {right.column} is {right.quantity}"
    checks.append(Check(passed=held, remark=remark if held else f"{remark}, not {claimed.quantity}"))
    return line if held else str(right)


def _checked_prose(line: str, computed: dict[tuple[str, str], Figure], checks: list[Check]) -> str:
    """Hold 'total revenue was 12,000' against the table; the first amount after the words is the claim."""
    for figure in computed.values():
        if figure.measure not in ("Total", "Mean"):
            continue
        measure = "total|sum" if figure.measure == "Total" else "mean|average"
        pattern = rf"\b(?:{measure})\s+(?:of\s+)?(?:the\s+)?{re.escape(figure.column)}\b\D{{0,20}}?({_AMOUNT})"
        match = re.search(pattern, line, re.IGNORECASE)
        claimed = parse_quantity(match[1]) if match else None
        if match is None or claimed is None:
            continue
        held = display(claimed.value) == display(figure.quantity.value)
        checks.append(Check(passed=held, remark=f"{figure.measure} of {figure.column} is {figure.quantity}"))
        if not held:
            line = line[: match.start(1)] + str(figure.quantity) + line[match.end(1) :]
    return line


def _corrections(brief: Brief) -> Iterator[tuple[re.Pattern[str], str, str]]:
    forbidden = "|".join(re.escape(word) for word in (*UNPROVABLE, *brief.avoid))
    yield re.compile(rf"\b(?:{forbidden})\b[ ]?", re.IGNORECASE), "", "words to avoid"
    yield re.compile(r"\b(\w+)(?:[ ]+\1\b)+", re.IGNORECASE), r"\1", "repeated words"
    yield re.compile(r"(?<![ ])[ ]+(?=[.,;:!?](?:\s|$))"), "", "spaces before punctuation"
    yield re.compile(r"(?<=\S)[ ]{2,}(?=\S)"), " ", "repeated spaces"


def _within_limit(text: str, limit: int | None) -> tuple[str, Check]:
    count = len(words(text))
    if limit is None or count <= limit:
        return text, Check(passed=True, remark=f"length: {amount(count, 'word')}")
    head, _, body = text.partition("\n\n")
    kept = sentences(body)
    while kept and len(words(head)) + len(words(" ".join(kept))) > limit:
        kept.pop()
    shortened = f"{head}\n\n{' '.join(kept)}".strip()
    return shortened, Check(passed=False, remark=f"length: {count} words cut to {len(words(shortened))} of {limit}")


def _readability(text: str) -> Iterator[Check]:
    ease = reading_ease(text)
    yield Check(passed=ease >= HARD_TO_READ, remark=f"readability: Flesch {ease:.0f}")
    longest = max((len(words(sentence)) for sentence in sentences(text)), default=0)
    yield Check(passed=longest <= WORDS_PER_SENTENCE, remark=f"longest sentence: {amount(longest, 'word')}")


def _sourced(text: str, source: str) -> Iterator[Check]:
    """Find the figures of a text that its brief does not have."""
    known = set(re.findall(r"\d+(?:[.,]\d+)*", source))
    invented = [figure for figure in re.findall(r"\d+(?:[.,]\d+)*", text) if figure not in known]
    yield Check(passed=not invented, remark=f"figures not in the brief: {', '.join(invented) or 'none'}")
