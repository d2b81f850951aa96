"""Confirm provider tokens that the engine's triggers point at."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from security.leakage import expression
from security.leakage.engine import Expression
from security.leakage.expression import UNBOUNDED, Atom
from security.leakage.finding import DetectionType, Label, Severity
from security.leakage.placeholders import is_documented, is_made_up
from security.leakage.rulebook import Rule
from security.leakage.scene import STEP, Scene
from security.leakage.validators.token_checks import CHECKS, PROVEN, UNPROVEN

Handler = Callable[[Scene, int], None]
_RANK = 30
# A prefix that alone is worth a look: no word of a language, and long enough to be rare in random letters.
_STRONG_PREFIX = re.compile(
    r"^(?!https?|(?!glpat|gl[a-z]{3,5}-|shp[a-z]{2}_|rubygems|nvapi|sntryu|packagist|hcaik|xkeysib|xsmtpsib|apify)[a-z]{5,}[_-]$"
    r"|[A-Za-z]{4}$)(?=.*[A-Z0-9_.~+-]).{4,}$"
)
_LONGEST_BYTES = 4096
_SPLIT_REACH = 400
_SPLITTERS = (b" \t\r\n\"'`+*|\\>,&", b" \t\r\n\"'`+*|\\>,&-._/:")
_RUN = re.compile(rb"[A-Z]+|[a-z]+|[0-9]+")


def _is_jumbled(body: bytes) -> bool:
    """Tell whether letters and digits alternate as in random text, and not as in joined words."""
    runs = len(_RUN.findall(body))
    return sum(48 <= code <= 57 for code in body) >= 2 and runs * 4 >= len(body)


_WEAK_HEADS = (b"live_", b"test_", b"key_", b"pat_")
_BASE64_MARKS = (b"+", b"/")
_URL_TAIL = re.compile(rb"[^\s\"'<>`|)\]}\\]{0,400}")
_SIGNED = re.compile(rb"https?://[^\s\"'<>`]{8,800}$")


def _whole_url(raw: bytes, start: int, stop: int) -> tuple[int, int]:
    """Return the span of the address where the address itself is what grants access: a webhook, a signed link."""
    if raw.startswith(b"sig=", start):
        signed = _SIGNED.search(raw, max(0, start - 800), start)
        return (signed.start(), _URL_TAIL.match(raw, stop).end()) if signed else (start, stop)  # type: ignore[union-attr]
    if raw[start - 3 : start] != b"://" or start < 7:
        return start, stop
    begin = start - 8 if raw[start - 8 : start] == b"https://" else start - 7
    if raw[begin : begin + 4] != b"http":
        return start, stop
    tail = _URL_TAIL.match(raw, stop)
    end = tail.end() if tail else stop
    return begin, stop + len(raw[stop:end].rstrip(b".,:;"))


@dataclass(frozen=True, slots=True)
class TokenRule:
    """A rule made ready: `trigger` is what the engine looks for.

    `prefix_bytes` is the length of the trigger when that is the token's fixed beginning, else 0.
    """

    rule: Rule
    prefix: str
    trigger: Expression
    prefix_bytes: int
    least_bytes: int
    most_bytes: int
    label: Label
    unproven: Label
    check: Callable[[bytes], float] | None

    @property
    def regex(self) -> re.Pattern[bytes]:
        """Return what the whole token matches; compiled when the first trigger of its kind is met, as few ever are."""
        return _compiled(self.rule.pattern)

    def confirm(self, scene: Scene, end: int) -> None:
        """Note the token whose trigger ends at `end`, if it is one."""
        match = self._match(scene.raw, end)
        if match is None:
            if self.prefix_bytes:
                self._confirm_split(scene, end - self.prefix_bytes)
            return
        scene.budget.steps -= STEP
        start, stop = match.span()
        if (scene.starts_word(start) or self._unmistakable(stop - start)) and scene.ends_word(stop):
            label = self.judge(match[0])
            if label is not None and not self._continues(scene.raw, start):
                scene.add(*_whole_url(scene.raw, start, stop), label)

    def _match(self, raw: bytes, end: int) -> re.Match[bytes] | None:
        if self.prefix_bytes:
            return self.regex.match(raw, end - self.prefix_bytes)
        match = self.regex.search(raw, max(0, end - self.most_bytes), end + _LONGEST_BYTES)
        return match if match is not None and match.start() <= end - self.least_bytes else None

    def _confirm_split(self, scene: Scene, start: int) -> None:
        """Note a token that separators cut into pieces after its prefix."""
        raw = scene.raw
        if not scene.starts_word(start):
            return
        scene.budget.steps -= 6 * STEP
        stop = min(len(raw), start + _SPLIT_REACH)
        paragraph = raw.find(b"\n\n", start, stop)
        stop = paragraph if paragraph >= 0 else stop
        if self._continues(raw, start):
            return
        begin = start + self.prefix_bytes
        for separators in _SPLITTERS:
            match = self.regex.match(raw[start:begin] + raw[begin:stop].translate(None, separators))
            if match is None:
                continue
            places = [place for place in range(begin, stop) if raw[place] not in separators]
            last = places[match.end() - self.prefix_bytes - 1] + 1
            if scene.ends_word(last) and _is_jumbled(match[0][self.prefix_bytes :]) and self.judge(match[0]):
                scene.add(start, last, self.label)
                return

    def _continues(self, raw: bytes, start: int) -> bool:
        """Tell whether a weak beginning is the middle of something longer, as live_ is of pk_live_."""
        before = raw[start - 1 : start]
        return (before == b"_" and raw.startswith(_WEAK_HEADS, start)) or (
            before in _BASE64_MARKS and raw.startswith(b"1//", start)
        )

    def _unmistakable(self, length: int) -> bool:
        return self.prefix_bytes >= 4 and length >= 24 and not self.prefix.isalnum()

    def judge(self, token: bytes) -> Label | None:
        """Return the label for a token of this format, or None where it is a stand-in or fails its check."""
        if is_made_up(token[len(self.prefix) :]) or is_documented(token):
            return None
        confidence = self.check(token) if self.check else PROVEN
        if confidence == 0.0:
            return None
        return self.unproven if confidence == UNPROVEN else self.label


@cache
def _compiled(pattern: str) -> re.Pattern[bytes]:
    return re.compile(pattern.encode())


def prepare(rule: Rule) -> TokenRule:
    """Return the rule with its trigger: the fixed prefix where it is telling, else the shortest match."""
    atoms = expression.parse(rule.pattern)
    shortest = expression.shortest(atoms)
    prefix = expression.literal_prefix(atoms)
    if not _STRONG_PREFIX.match(prefix):
        prefix = ""
    least, most = _lengths(shortest)
    return TokenRule(
        rule=rule,
        prefix=prefix,
        trigger=Expression(expression.escaped(prefix) if prefix else expression.render(shortest)),
        prefix_bytes=len(prefix),
        least_bytes=least,
        most_bytes=min(most, _LONGEST_BYTES),
        label=Label(DetectionType.CREDENTIAL, rule.id, rule.severity, PROVEN, _RANK),
        unproven=Label(DetectionType.CREDENTIAL, rule.id, Severity.WARNING, UNPROVEN, _RANK),
        check=CHECKS.get(rule.validator),
    )


def _lengths(atoms: tuple[Atom, ...]) -> tuple[int, int]:
    least = most = 0
    for atom in atoms:
        spans = [_lengths(branch) for branch in atom.branches] or [(1, 1)]
        least += min(low for low, _ in spans) * atom.low
        most += max(high for _, high in spans) * (_LONGEST_BYTES if atom.high == UNBOUNDED else atom.high)
    return least, most
