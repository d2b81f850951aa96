"""Find cryptocurrency addresses by their checksums."""

from __future__ import annotations

import re
from functools import lru_cache

from security.leakage.engine import Expression
from security.leakage.finding import DetectionType, Label, Severity
from security.leakage.scene import Scene
from security.leakage.validators.crypto_addresses import base58check, bech32, eip55

_LABEL = Label(DetectionType.PERSONAL, "crypto_address", Severity.WARNING, 0.95, 17)

BASE58 = Expression(r"(?:^|[^A-Za-z0-9])[13LMDTr][1-9A-HJ-NP-Za-km-z]{25}")
BECH32 = Expression(r"(?:^|[^A-Za-z0-9])(?:bc|ltc|tb|addr)1[02-9ac-hj-np-z]{25}", caseless=True)
ETHEREUM = Expression(r"(?:^|[^A-Za-z0-9])0x[0-9a-f]{40}", caseless=True)

_BASE58 = re.compile(rb"[13LMDTr][1-9A-HJ-NP-Za-km-z]{25,34}(?![A-Za-z0-9])")
_BECH32 = re.compile(rb"(?i)(?:bc|ltc|tb|addr)1[02-9ac-hj-np-z]{25,98}(?![A-Za-z0-9])")
_ETHEREUM = re.compile(rb"0x[0-9a-fA-F]{40}(?![A-Za-z0-9])")
_HASH_NEAR = re.compile(rb"(?i)\bsha-?1|commit|digest|checksum|\bhash|build id|object id")
# The first block's address, burn addresses, and those that the standards print as examples.
_FAMOUS = frozenset(
    b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa 1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2 3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"
    b" 1BoatSLRHtKNngkdXEeobR76b53LETtpyT"
    b" bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4 bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
    b" 0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"
    b" 0xfb6916095ca1df60bb79ce92ce3ea74c37c5d359 0xdbf03b407c01e7cd3cbea99509d93f8dddc8c6fb"
    b" 0xd1220a0cf47c7b9be7a2e6ba89f429762e7b9adb".split()
)


def on_base58(scene: Scene, end: int) -> None:
    """Note an address in Base58Check."""
    match = _BASE58.match(scene.raw, end - 26)
    if match and match[0] not in _FAMOUS and _is_base58(match[0].decode()):
        scene.add(match.start(), match.end(), _LABEL)


def on_bech32(scene: Scene, end: int) -> None:
    """Note an address in Bech32."""
    match = _BECH32.search(scene.raw, max(0, end - 31), end + 110)
    if match and match.start() < end and match[0] not in _FAMOUS and _is_bech32(match[0].decode()):
        scene.add(match.start(), match.end(), _LABEL)


def on_ethereum(scene: Scene, end: int) -> None:
    """Note an Ethereum address: its capitals prove it, or a word near it says so."""
    match = _ETHEREUM.match(scene.raw, end - 42)
    if match is None or match[0].lower() in _FAMOUS or len(set(match[0])) < 8:
        return
    digits = match[0][2:]
    if digits in (digits.lower(), digits.upper()):
        if _HASH_NEAR.search(scene.raw, max(0, end - 80), end - 42):
            return
    elif not _is_eip55(match[0].decode()):
        return
    scene.add(match.start(), match.end(), _LABEL)


_is_base58 = lru_cache(maxsize=1024)(base58check)
_is_bech32 = lru_cache(maxsize=1024)(bech32)
_is_eip55 = lru_cache(maxsize=1024)(eip55)
