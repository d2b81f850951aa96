"""Point out people's names and postal addresses, for information: their forms alone prove nothing."""

from __future__ import annotations

import re

from security.leakage.engine import Expression
from security.leakage.finding import DetectionType, Label, Severity
from security.leakage.scene import Scene

_NAME_LABEL = Label(DetectionType.PERSONAL, "person_name", Severity.INFO, 0.5, 1)
_ADDRESS_LABEL = Label(DetectionType.PERSONAL, "postal_address", Severity.INFO, 0.6, 1)

NAME = Expression(
    r"\b(?:Mr|Mrs|Ms|Dr|Prof|Herr|Frau|Mme|Sr|Sra)\.? [A-Z][a-z]|\b(?:full|customer|patient|employee|first"
    r"|last) name\x22?[:=] ?\x22?[A-Z][a-z]"
)
STREET = Expression(
    r"\b\d{1,5} (?:[A-Z][a-z]{1,20} ){1,3}(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct"
    r"|Place|Pl|Square|Terrace|Way)\b"
    r"|\b[A-Z][a-z]{2,20}(?:stra(?:\xc3\x9f|ss)e|str\.|weg|platz|allee|gasse) \d{1,4}\b|\b\d{1,4},? (?:rue|avenue"
    r"|boulevard|place) (?:de |du |des |la )?[A-Z][a-z]"
)

_NAME = re.compile(
    rb"(?:Mr|Mrs|Ms|Dr|Prof|Herr|Frau|Mme|Sra?)\.? (?:[A-Z][\w'\x80-\xff-]+ ?){1,3}"
    rb"|(?<=[:=] )[A-Z][a-z]+(?: [A-Z][\w'\x80-\xff-]+){0,2}|(?<=[:=]\")[A-Z][a-z]+(?: [A-Z][a-z]+){0,2}"
)
_START = re.compile(rb"\d{1,5},? [A-Za-z]|[A-Z][a-z]{2,20}(?:\xc3\x9f|[a-z.])* \d")


def on_name(scene: Scene, end: int) -> None:
    """Note a name after a title or a form's label."""
    match = _NAME.search(scene.raw, max(0, end - 14), end + 60)
    if match:
        scene.add(match.start(), match.start() + len(match[0].rstrip()), _NAME_LABEL)


def on_street(scene: Scene, end: int) -> None:
    """Note a street with its number."""
    start = max(scene.raw.rfind(b"\n", max(0, end - 60), end) + 1, end - 60, 0)
    digits = _START.search(scene.raw, start, end)
    if digits:
        scene.add(digits.start(), end, _ADDRESS_LABEL)
