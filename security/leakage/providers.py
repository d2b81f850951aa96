"""Name the provider of a secret that its format alone would not tell, by the words around it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import ahocorasick_rs

from security.leakage.engine import Expression
from security.leakage.finding import DetectionType, Label, Severity
from security.leakage.placeholders import is_made_up
from security.leakage.rulebook import load_rules
from security.leakage.scene import Scene
from security.leakage.tokens import TokenRule, prepare
from security.leakage.validators.token_checks import mixed_classes

AWS_KEY_ID = Expression(r"(?:AKIA|ASIA)[A-Z0-9]{16}")

_AWS_LABEL = Label(DetectionType.CREDENTIAL, "aws_secret_access_key", Severity.CRITICAL, 0.95, 30)
_AWS_SECRET = re.compile(rb"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=_-])")
_MIXED_CASE = re.compile(rb"[A-Z].*[a-z]|[a-z].*[A-Z]")
_AWS_REACH = 200
_CONTEXT_BYTES = 90
_NAME_LEAST = 12


@dataclass(frozen=True, slots=True)
class _Providers:
    machine: ahocorasick_rs.BytesAhoCorasick
    rules: tuple[TokenRule, ...]


@cache
def _providers() -> _Providers:
    pairs = [
        (word.encode(), prepared)
        for rule in load_rules()
        if rule.keywords
        for prepared in (prepare(rule),)
        for word in rule.keywords
    ]
    words = [word for word, _ in pairs]
    machine = ahocorasick_rs.BytesAhoCorasick(words, implementation=ahocorasick_rs.Implementation.DFA)
    return _Providers(machine, tuple(rule for _, rule in pairs))


def provider_label(raw: bytes, start: int, end: int) -> Label | None:
    """Return the label of the provider that is named shortly before the value, if the value has its format."""
    if end - start < _NAME_LEAST:
        return None
    providers = _providers()
    before = raw[max(0, start - _CONTEXT_BYTES) : start].lower()
    value = raw[start:end]
    for index, _, _ in providers.machine.find_matches_as_indexes(before, overlapping=True):
        rule = providers.rules[index]
        if rule.regex.fullmatch(value):
            return rule.judge(value)
    return None


def on_aws_key_id(scene: Scene, end: int) -> None:
    """Note the secret key that stands shortly after or before its identifier."""
    raw = scene.raw
    if is_made_up(raw[end - 16 : end]):
        return
    for match in _AWS_SECRET.finditer(raw, max(0, end - _AWS_REACH), end + _AWS_REACH):
        if _MIXED_CASE.search(match[0]) and mixed_classes(match[0]) and not is_made_up(match[0]):
            scene.add(match.start(), match.end(), _AWS_LABEL)
