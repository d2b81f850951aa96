"""Find e-mail addresses and telephone numbers."""

from __future__ import annotations

import re
from functools import lru_cache

from security.leakage.engine import Expression
from security.leakage.finding import DetectionType, Label, Severity
from security.leakage.scene import Scene
from security.leakage.validators.documented import EXAMPLE_DOMAINS, EXAMPLE_SUFFIXES
from security.leakage.validators.top_level_domains import TOP_LEVEL_DOMAINS

# What follows is left to the handler: a trigger without counts runs twice as fast.
EMAIL = Expression(r"[A-Za-z0-9_+'%-]@[A-Za-z0-9]")
PHONE = Expression(r"\+[ (]?\d[\d ().\x2f-]{5,9}\d")
PHONE_NATIONAL = Expression(r"(?:^|[^0-9A-Za-z])(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}(?:$|[^0-9A-Za-z])")
PHONE_WORD = Expression(
    r"(?:\bphone|\btel\b|telephone|\bmobile|\bcell\b|\bcall\b|\bfax\b|whatsapp|\btelefon\w{0,3}|\bhandy\b|t(?:e|\xc3\xa9)l\b|m(?:o|\xc3\xb3)vil|\bring\b|\bdial\b|\bsms\b|\bnumber\b|\bcontact\b)[^0-9+\n]{0,30}[0(]",
    caseless=True,
)

_EMAIL_LABEL = Label(DetectionType.PERSONAL, "email", Severity.WARNING, 0.95, 15)
_ROLE_LABEL = Label(DetectionType.PERSONAL, "email", Severity.INFO, 0.5, 15)
_PHONE_LABEL = Label(DetectionType.PERSONAL, "phone", Severity.WARNING, 0.9, 14)

_EMAIL = re.compile(
    rb"[A-Za-z0-9_.+'%-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.){1,8}([A-Za-z]{2,24})(?![A-Za-z0-9-])"
)
_LOCAL = re.compile(rb"[A-Za-z0-9_.+'%-]{1,64}$")
_MACHINE = re.compile(
    rb"(?i)^(?:git|no-?reply|do-?not-?reply|postmaster|mailer-daemon|hostmaster|abuse|root|ubuntu|ec2-user|deploy|admin|user|username|you|your[._-]?name|your[._-]?email|name|email|someone|somebody|foo|bar|test|example|first\.?last|firstname\.lastname|me|u|x|xxx+|hg|svn|actions|bot)$"
)
_ROLE = re.compile(
    rb"(?i)^(?:info|support|sales|contact|help|hello|team|office|billing|press|jobs|careers|legal|privacy|security|marketing|hr|service|webmaster|feedback|newsletter|notifications?|alerts?|ops|dev|it|hi|enquiries|orders|accounts?|accounting|finance|admin|helpdesk)$"
)
_COMMAND = re.compile(rb"(?:ssh|scp|sftp|rsync|://|git clone)\s?(?:-\S+\s\S*\s?)*[^\s]*$")
_PHONE = re.compile(rb"\+[ (]?\d(?:[ ().\x2f-]{0,3}\d){6,14}(?!\d)")
_NATIONAL = re.compile(rb"(?:1[ .-]?)?(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}(?!-?[0-9A-Za-z])")
_LOCAL_PHONE = re.compile(
    rb"\(?0\d{0,5}\)?(?:[ ().\x2f-]{0,3}\d){6,11}(?![\dA-Za-z])|\(\d{2,5}\)(?:[ .\x2f-]{0,2}\d){5,9}(?![\dA-Za-z])"
)
_HOME_REGIONS = (
    "GB",
    "DE",
    "FR",
    "IT",
    "ES",
    "NL",
    "AU",
    "IN",
    "JP",
    "BR",
    "AT",
    "CH",
    "BE",
    "SE",
    "PL",
    "IE",
    "ZA",
    "NZ",
    "US",
    "KR",
    "CN",
    "FI",
    "TR",
    "IL",
    "MX",
)


def on_email(scene: Scene, end: int) -> None:
    """Note an address at a real top-level domain; a role's address (info, support) only for information."""
    raw = scene.raw
    at = raw.rfind(b"@", max(0, end - 80), end)
    local = _LOCAL.search(raw, max(0, at - 64), at)
    if local is None:
        return
    match = _EMAIL.match(raw, local.start())
    if match is None or match[1].lower() not in TOP_LEVEL_DOMAINS:
        return
    start = match.start() + len(match[0]) - len(match[0].lstrip(b".'%-"))
    if is_example_address(raw[start:at].lower(), raw[at + 1 : match.end()].lower()) or _COMMAND.search(
        raw, max(0, start - 60), start
    ):
        return
    scene.add(start, match.end(), _ROLE_LABEL if _ROLE.match(raw[start:at]) else _EMAIL_LABEL)


def is_example_address(local: bytes, domain: bytes) -> bool:
    """Tell whether the address belongs to nobody: a reserved domain (RFC 2606) or a machine's name."""
    name = domain.decode()
    return name in EXAMPLE_DOMAINS or name.endswith(EXAMPLE_SUFFIXES) or _MACHINE.match(local) is not None


def on_phone(scene: Scene, end: int) -> None:
    """Note an international number that its country's plan knows."""
    match = _PHONE.match(scene.raw, max(0, scene.raw.rfind(b"+", max(0, end - 16), end)))
    if match and scene.starts_word(match.start()):
        text = match[0].translate(None, b" ().-/").decode()
        if is_number(text, None) or (
            _PHONE_NEAR.search(scene.raw, max(0, match.start() - 30), match.start()) and _is_possible(text)
        ):
            scene.add(match.start(), match.end(), _PHONE_LABEL)


_PHONE_NEAR = re.compile(rb"(?i)phone|\btel|mobile|\bcell|\bcall\b|whatsapp|\bhandy\b|fax|reach|signal|sms|contact")


def on_national_phone(scene: Scene, end: int) -> None:
    """Note a North American number as people write it."""
    match = _NATIONAL.search(scene.raw, max(0, end - 19), end + 4)
    if match and match.start() < end and is_number(match[0].decode(), "US"):
        scene.add(match.start(), match.end(), _PHONE_LABEL)


def on_phone_word(scene: Scene, end: int) -> None:
    """Note a national number after a word for telephone."""
    match = _LOCAL_PHONE.match(scene.raw, end - 1)
    if match and any(is_number(match[0].decode(), region) for region in _HOME_REGIONS):
        scene.add(match.start(), match.end(), _PHONE_LABEL)


@lru_cache(maxsize=1024)
def _is_possible(text: str) -> bool:
    import phonenumbers  # noqa: PLC0415 - long to load, and most texts hold no number

    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        return False
    # North American numbers are all of one length: there only the plan tells.
    possible = phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
    return possible and number.country_code != 1


@lru_cache(maxsize=4096)
def is_number(text: str, region: str | None) -> bool:
    """Tell whether the number exists in a numbering plan, and is not reserved for fiction."""
    import phonenumbers  # noqa: PLC0415 - long to load, and most texts hold no number

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return False
    national = str(number.national_number)
    if number.country_code == 1 and national[3:8] == "55501":
        return False
    return phonenumbers.is_valid_number(number)
