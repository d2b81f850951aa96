"""Turn the outside corpus's shorthand into random text: `<x:8>` in shapes, `@user@` and `§` in surfaces."""

from __future__ import annotations

import base64
import json
import random
import re
import string
from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent
_SHAPE = re.compile(r"<(\w+):(\d+)>|<(u|jwt)>")
_NAMED = re.compile(r"@(\w+)@")
_LOWER, _UPPER, _DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
_CLASSES = {
    "x": "0123456789abcdef",
    "n": _DIGITS,
    "a": _LOWER + _DIGITS,
    "a2": _LOWER + "234567",
    "A": _UPPER + _DIGITS,
    "A1": _UPPER + _DIGITS,
    "T": _UPPER + "234567",
    "w": _LOWER + _UPPER + _DIGITS,
    "W": _LOWER + _UPPER,
    "b": _LOWER + _UPPER + _DIGITS + "_-",
    "B": _LOWER + _UPPER + _DIGITS + "+/",
    "B1": _LOWER + _UPPER + _DIGITS,
    "B2": _LOWER + _UPPER + _DIGITS,
    "B3": _LOWER + _UPPER + _DIGITS,
    "L": _LOWER + _UPPER,
    "U": _UPPER,
    "bech": "qpzry9x8gf2tvdw0s3jn54khce6mua7l".upper(),
}
PEOPLE = ("Dana", "Omar", "Mei", "Ivan", "Sofia", "Jonas", "Leila", "Marek", "Hugo", "Ines")
WORDS = {
    "user": ("admin", "root", "jdoe", "svc-backup", "deploy", "m.weber", "app_user", "sa", "postgres", "ci-bot"),
    "host": ("db.northpole-data.net", "10.20.30.40", "srv01", "vault.kestrel.internal", "mx2.bluefin.cloud", "nas"),
    "person": PEOPLE,
    "person2": PEOPLE,
    "date": ("2026-02-11", "2025-12-30", "2026-06-04"),
    "k": ("API key", "token", "secret", "key", "access token", "api key"),
    "k2": ("api-key", "token", "secret", "access-token", "auth-token"),
}


@cache
def lines(name: str) -> tuple[str, ...]:
    """Return the surfaces of a file, one a line, with `⏎` for line breaks."""
    found = (_HERE / f"{name}.txt").read_text().splitlines()
    return tuple(line.replace("⏎", "\n") for line in found if line.strip() and not line.startswith("# "))


def shape(source: random.Random, template: str) -> str:
    """Return a random value of the shape."""
    return _SHAPE.sub(lambda part: _piece(source, part), template)


def _piece(source: random.Random, part: re.Match[str]) -> str:
    if part[3] == "u":
        digits = f"{source.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
    if part[3] == "jwt":
        return _jwt(source)
    return "".join(source.choices(_CLASSES[part[1]], k=int(part[2])))


def _jwt(source: random.Random) -> str:
    claims = {"sub": str(source.getrandbits(40)), "iat": 1760000000 + source.getrandbits(20), "role": "admin"}
    header = {"alg": source.choice(("HS256", "RS256", "ES256")), "typ": "JWT"}
    parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in (header, claims)]
    return ".".join([*parts, shape(source, "<b:43>")])


def words(source: random.Random, text: str, **known: str) -> str:
    """Return `text` with each `@word@` filled; unknown words are left as they stand."""

    def one(part: re.Match[str]) -> str:
        if part[1] in known:
            return known[part[1]]
        return source.choice(WORDS[part[1]]) if part[1] in WORDS else part[0]

    return _NAMED.sub(one, text)
