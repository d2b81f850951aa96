"""Find personal data whose form or check digits speak for themselves."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from security.leakage.engine import Expression
from security.leakage.finding import DetectionType, Label, Severity
from security.leakage.scene import Scene
from security.leakage.validators.checksums import luhn, mod97
from security.leakage.validators.documented import EXAMPLE_IBANS, EXAMPLE_SSNS, TEST_CARDS
from security.leakage.validators.iban_lengths import IBAN_LENGTHS


def _label(kind: str, severity: Severity, confidence: float) -> Label:
    return Label(DetectionType.PERSONAL, kind, severity, confidence, 15)


_CARD_LABEL = _label("credit_card", Severity.HIGH, 0.97)
_IBAN_LABEL = _label("iban", Severity.HIGH, 0.99)
_SSN_LABEL = _label("us_ssn", Severity.HIGH, 0.9)
_NINO_LABEL = _label("uk_nino", Severity.HIGH, 0.9)
_NHS_LABEL = _label("uk_nhs", Severity.HIGH, 0.95)
_IP_LABEL = _label("ip_address", Severity.WARNING, 0.8)

CARD = Expression(r"(?:^|[^0-9A-Za-z])[2-6]\d{3}(?:[ -]?\d){9}")
IBAN = Expression(r"(?:^|[^A-Za-z0-9])[A-Z]{2}\d\d[ -]?[A-Z0-9]{4}[ -]?[A-Z0-9]{4}[ -]?[A-Z0-9]{3}", caseless=True)
SSN = Expression(r"\b\d{3}[- .]\d\d[- .]\d{4}\b")
NINO = Expression(r"\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][ -]?\d\d[ -]?\d\d[ -]?\d\d[ -]?[A-D]\b")
NHS = Expression(r"\b\d{3}[ -]?\d{3}[ -]?\d{4}\b")
IPV4 = Expression(r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b")
IPV6 = Expression(r"\b2[0-9a-f]{3}:[0-9a-f]{0,4}:[0-9a-f:]{3}", caseless=True)

_CARD = re.compile(rb"[2-6]\d{3}(?:[ -]?\d){8,15}(?![0-9A-Za-z])")
_IBAN = re.compile(rb"[A-Z]{2}\d\d(?:[ -]?[A-Z0-9]){11,30}", re.IGNORECASE)
_NHS_CONTEXT = re.compile(rb"(?i)nhs")
_VERSION_CONTEXT = re.compile(
    rb"(?i)(?:\bv|versions?|release|upgrade\w*|@|==|~=|>=|\brev|build|firmware|driver|section|chapter|oid|(?:up"
    rb"|down)grade\w*[ \w]{0,20}|from \d+(?:\.\d+){3} to)[ :=(]{0,3}(?:[\d.]+(?:,| and| or| to)\s?){0,4}$"
)
_PART_CONTEXT = re.compile(
    rb"(?i)(?:part|sku|model|order|serial|invoice|item|product|ticket|ref\w*|code|batch|lot|asset)\b[ :#no.]{0,8}$"
)
_NUMBER_CONTEXT = re.compile(
    rb"(?i)(?:part|sku|model|order|serial|invoice|item|product|ticket|tracking|batch|lot|asset|case"
    rb"|build)\b[ \w:#.]{0,14}$"
)
_IPV6 = re.compile(rb"(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}", re.IGNORECASE)
_RESOLVERS = frozenset(
    b"8.8.8.8 8.8.4.4 1.1.1.1 1.0.0.1 9.9.9.9 149.112.112.112 208.67.222.222 208.67.220.220 1.2.3.4 4.3.2.1 5.6.7.8"
    b" 2.2.2.2 3.3.3.3 4.4.4.4 9.9.9.10 4.2.2.2 1.1.1.2 1.1.1.3".split()
)


def _digits(text: bytes) -> str:
    return text.translate(None, b" -.()/\t\xc2\xa0").decode("ascii")


def _before(scene: Scene, start: int, reach: int) -> bytes:
    return scene.raw[max(0, start - reach) : start]


def on_card(scene: Scene, end: int) -> None:
    """Note a payment card: issuer's range, length and Luhn digit, and no published test number."""
    match = _CARD.search(scene.raw, max(0, end - 26), end + 40)
    if match is None or not scene.starts_word(match.start()):
        return
    digits = _digits(match[0])
    if is_card(digits):
        scene.add(match.start(), match.end(), _CARD_LABEL)


@lru_cache(maxsize=1024)
def is_card(digits: str) -> bool:
    """Tell whether an issuer may have given out this number."""
    if digits in TEST_CARDS or len(set(digits)) < 4 or not luhn(digits):
        return False
    first4 = int(digits[:4])
    return any(low <= first4 <= high and len(digits) in lengths for low, high, lengths in _ISSUERS)


# The first four digits, from and to, and the lengths that this issuer gives out.
_LONG = (16, 19)
_ISSUERS = (
    (4000, 4999, (16, 19)),
    (5100, 5599, (16,)),
    (2221, 2720, (16,)),
    (3400, 3499, (15,)),
    (3700, 3799, (15,)),
    (3000, 3059, (14,)),
    (3600, 3699, (14,)),
    (3800, 3999, (14,)),
    (3528, 3589, _LONG),
    (5000, 5099, _LONG),
    (5600, 5899, _LONG),
    (6000, 6599, _LONG),
    (6700, 6799, _LONG),
)


def on_iban(scene: Scene, end: int) -> None:
    """Note an IBAN of its country's length whose remainder is 1."""
    start = _word_start(scene.raw, end)
    match = _IBAN.match(scene.raw, start) if start >= 0 else None
    if match is None:
        return
    text = match[0]
    wanted = IBAN_LENGTHS.get(text[:2].decode().upper())
    if wanted is None or len(text) < wanted:
        return
    kept = [index for index, code in enumerate(text) if code not in b" -"]
    if len(kept) < wanted:
        return
    stop = start + kept[wanted - 1] + 1
    # The middle of a UUID may pass for one.
    if scene.raw[stop : stop + 1] == b"-" and scene.raw[stop + 1 : stop + 2].isalnum():
        return
    letters = scene.raw[start:stop].translate(None, b" -").decode().upper()
    if scene.starts_word(start) and scene.ends_word(stop) and mod97(letters) and letters not in EXAMPLE_IBANS:
        scene.add(start, stop, _IBAN_LABEL)


_IBAN_HEAD = re.compile(rb"(?<![A-Za-z0-9])[A-Z]{2}\d\d(?=[ -]?[A-Z0-9]{4})", re.IGNORECASE)


def _word_start(raw: bytes, end: int) -> int:
    match = _IBAN_HEAD.search(raw, max(0, end - 18), end)
    return match.start() if match else -1


def on_ssn(scene: Scene, end: int) -> None:
    """Note a United States social security number in a range that was given out."""
    text = scene.raw[end - 11 : end]
    if text[3] != text[6] or _bordered(scene, end - 11, end):
        return
    digits = _digits(text)
    if is_ssn(digits) and not _NUMBER_CONTEXT.search(_before(scene, end - 11, 30)):
        scene.add(end - 11, end, _SSN_LABEL)


def is_ssn(digits: str) -> bool:
    """Tell whether the nine digits can be a social security number, and none that is famous for being an example."""
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return not (area in ("000", "666") or area[0] == "9" or group == "00" or serial == "0000" or digits in EXAMPLE_SSNS)


def _bordered(scene: Scene, start: int, end: int) -> bool:
    raw = scene.raw
    return (start > 0 and raw[start - 1] in b"-.") or (
        end + 1 < len(raw) and raw[end] in b"-." and raw[end + 1] in b"0123456789"
    )


def on_nino(scene: Scene, end: int) -> None:
    """Note a United Kingdom national insurance number with a prefix in use."""
    match = _NINO.search(scene.raw, max(0, end - 14), end)
    if match is None or match[0][:2] in _NINO_UNUSED or _digits(match[0][2:-1]) in ("123456", "000000"):
        return
    if not _PART_CONTEXT.search(_before(scene, match.start(), 30)):
        scene.add(match.start(), match.end(), _NINO_LABEL)


_NINO = re.compile(rb"\b[A-Z]{2}[ -]?\d\d[ -]?\d\d[ -]?\d\d[ -]?[A-D]$")
_NINO_UNUSED = frozenset((b"BG", b"GB", b"NK", b"KN", b"TN", b"NT", b"ZZ"))


def on_nhs(scene: Scene, end: int) -> None:
    """Note an NHS number: the word near it, and the mod-11 digit right."""
    match = _NHS.search(scene.raw, max(0, end - 12), end)
    if match and _NHS_CONTEXT.search(_before(scene, match.start(), 60)) and is_nhs(_digits(match[0])):
        scene.add(match.start(), match.end(), _NHS_LABEL)


_NHS = re.compile(rb"\d{3}[ -]?\d{3}[ -]?\d{4}$")


def is_nhs(digits: str) -> bool:
    """Tell whether the tenth digit follows from the nine before (NHS data dictionary, modulus 11)."""
    check = 11 - sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False)) % 11
    return digits[9] == str(0 if check == 11 else check) and len(set(digits)) > 2


def on_ipv4(scene: Scene, end: int) -> None:
    """Note an address that the internet routes to one place."""
    match = _IPV4.search(scene.raw, max(0, end - 15), end)
    if match is None or _bordered(scene, match.start(), end) or match[0] in _RESOLVERS:
        return
    if _is_public_ipv4(match[0]) and not _VERSION_CONTEXT.search(_before(scene, match.start(), 40)):
        scene.add(match.start(), end, _IP_LABEL)


_IPV4 = re.compile(rb"(?<![0-9.])(?:\d{1,3}\.){3}\d{1,3}$")


def _is_public_ipv4(text: bytes) -> bool:
    """Tell whether the internet routes the address to one place (IANA's special-purpose registry)."""
    first, second, third, fourth = map(int, text.split(b"."))
    if max(first, second, third, fourth) > 255 or not 0 < first < 224 or first in (10, 127) or fourth == 0:
        return False
    if any(len(octet) > 1 and octet[0] == 0x30 for octet in text.split(b".")):
        return False
    pair = (first, second)
    if pair in _RESERVED_PAIRS or (first == 172 and 16 <= second < 32) or (first == 100 and 64 <= second < 128):
        return False
    return (first, second, third) not in _RESERVED_TRIPLES


_RESERVED_PAIRS = frozenset(((192, 168), (169, 254), (198, 18), (198, 19)))
_RESERVED_TRIPLES = frozenset(((192, 0, 0), (192, 0, 2), (198, 51, 100), (203, 0, 113), (192, 88, 99)))


def on_ipv6(scene: Scene, end: int) -> None:
    """Note a global unicast address."""
    match = _IPV6.search(scene.raw, max(0, end - 20), end + 40)
    if match and match.end() >= end and is_public(match[0].rstrip(b":").decode()):
        scene.add(match.start(), match.end(), _IP_LABEL)


@lru_cache(maxsize=1024)
def is_public(text: str) -> bool:
    """Tell whether `text` is an address of the public internet."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.is_global and not address.is_multicast and not text.endswith(".0")
