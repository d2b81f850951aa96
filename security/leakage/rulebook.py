"""Load the token rules from rules/*.toml."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import tomli

from security.leakage.finding import Severity

RULES_DIR = Path(__file__).parent / "rules"


@dataclass(frozen=True, slots=True)
class Rule:
    """One provider's token format.

    `pattern` is in the dialect of `expression`. With `keywords` the rule applies only to a value that a text presents
    as a secret near one of them. `examples` and `rejects` are templates: `<A-Za-z0-9:36>` stands for 36 random letters
    of that class, so that no file of ours holds anything that looks like a live secret.
    """

    id: str
    provider: str
    pattern: str
    severity: Severity
    keywords: tuple[str, ...]
    validator: str
    examples: tuple[str, ...]
    rejects: tuple[str, ...]


@cache
def load_rules() -> tuple[Rule, ...]:
    """Return every rule of the repository, in the order of the files' names."""
    return tuple(rule for path in sorted(RULES_DIR.glob("*.toml")) for rule in _read(path))


def _read(path: Path) -> list[Rule]:
    table = tomli.loads(path.read_text(encoding="utf-8"))
    return [_rule(entry) for entry in table["rule"]]


def _rule(entry: dict[str, object]) -> Rule:
    return Rule(
        id=str(entry["id"]),
        provider=str(entry["provider"]),
        pattern=str(entry["pattern"]),
        severity=Severity(str(entry["severity"])),
        keywords=_texts(entry.get("keywords")),
        validator=str(entry.get("validator", "")),
        examples=_texts(entry["examples"]),
        rejects=_texts(entry["rejects"]),
    )


def _texts(entry: object) -> tuple[str, ...]:
    return tuple(str(text) for text in entry) if isinstance(entry, list) else ()
