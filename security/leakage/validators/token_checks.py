"""What a token's own structure proves. Each check returns a confidence, or 0.0 for what cannot be a token."""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Callable

_BASE62 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# A well-formed token whose checksum is wrong may be mistyped or cut: worth a look, not an alarm.
UNPROVEN = 0.6
PROVEN = 0.99
_CLASSES = (re.compile(rb"[a-z]"), re.compile(rb"[A-Z]"), re.compile(rb"[0-9]"))


def github_checksum(token: bytes) -> float:
    """Check the last six letters: the CRC-32 of the thirty before, in base 62 (GitHub's and npm's format of 2021)."""
    entropy, check = token.rsplit(b"_", 1)[-1][:30], token[-6:]
    value = zlib.crc32(entropy)
    digits = bytearray()
    for _ in range(6):
        value, digit = divmod(value, 62)
        digits.append(_BASE62[digit])
    return PROVEN if bytes(reversed(digits)) == check else UNPROVEN


def mixed_classes(token: bytes) -> float:
    """Check for small letters or capitals together with digits, which random text of this length nearly always has."""
    small, capital, digit = (pattern.search(token) is not None for pattern in _CLASSES)
    return 0.9 if digit and (small or capital) else 0.0


def all_classes(token: bytes) -> float:
    """Check for small letters, capitals and digits, where the form itself tells little."""
    return 0.9 if all(pattern.search(token) is not None for pattern in _CLASSES) else 0.0


def aws_key_id(token: bytes) -> float:
    """Check that the identifier is in base 32, as issued ones are."""
    return PROVEN if not token[4:].strip(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") else 0.9


def discord_token(token: bytes) -> float:
    """Check that the first part is a user's number in base64."""
    decoded = decode_base64(token.split(b".", 1)[0])
    return PROVEN if decoded.isdigit() else UNPROVEN


def jwt(token: bytes) -> float:
    """Check that the first part is a JSON object that names its algorithm (RFC 7515, section 4)."""
    try:
        header = json.loads(decode_base64(token.split(b".", 1)[0]))
    except (ValueError, RecursionError):
        return 0.0
    return PROVEN if isinstance(header, dict) and ("alg" in header or "enc" in header) else 0.0


def decode_base64(text: bytes) -> bytes:
    """Return the bytes behind base64 in either alphabet, padded or not; empty where it is none."""
    try:
        return base64.b64decode(text.translate(_STANDARD) + b"=" * (-len(text) % 4))
    except binascii.Error:
        return b""


_STANDARD = bytes.maketrans(b"-_", b"+/")

CHECKS: dict[str, Callable[[bytes], float]] = {
    "github_checksum": github_checksum,
    "mixed_classes": mixed_classes,
    "all_classes": all_classes,
    "aws_key_id": aws_key_id,
    "discord_token": discord_token,
    "jwt": jwt,
}
