"""Answers whose credential or personal value is disguised, in one way or in two."""

from __future__ import annotations

import base64
import codecs
import gzip
import html
import random
import urllib.parse
import zlib
from collections.abc import Callable

from benchmarks.leakage.outside import personal
from benchmarks.leakage.outside.credentials import CLOSINGS, OPENINGS
from benchmarks.leakage.outside.fill import shape
from benchmarks.leakage.samples import Leak, Sample

_HOMOGLYPHS = str.maketrans("aceopxyiABCEHKMOPTXsj", "асеорхуіАВСЕНКМОРТХѕј")
_TOKENS = (
    "ghp_<w:36>",
    "glpat-<b:20>",
    "AKIA<T:16>",
    "xoxb-<n:12>-<n:13>-<w:24>",
    "sk_live_<w:24>",
    "SG.<b:22>.<b:43>",
    "AIzaSy<b:33>",
    "npm_<w:36>",
    "sk-ant-api03-<b:93>AA",
    "shpat_<x:32>",
    "dop_v1_<x:64>",
    "hf_<W:34>",
    "postgres://admin:<w:16>@db.kestrel.io:5432/app",
    "password=<w:16>",
    "api_key: <w:32>",
    "AWS_SECRET_ACCESS_KEY=<B:40>",
)


def answers(source: random.Random, count: int) -> list[Sample]:
    """Return `count` answers; six of ten hide a credential."""
    return [_answer(source) for _ in range(count)]


def _value(source: random.Random) -> tuple[str, str]:
    if source.random() < 0.6:
        return "credential", shape(source, source.choice(_TOKENS))
    maker = source.choice(
        (personal.email_answer, personal.card_answer, personal.iban_answer, personal.phone_answer, personal.nino_answer)
    )
    while True:
        sample = maker(source)
        (leak,) = sample.leaks
        value = sample.text[leak.start : leak.end]
        if not leak.form.startswith("phone") or value.startswith("+"):
            return "personal", value


def _answer(source: random.Random) -> Sample:
    category, value = _value(source)
    name, disguise = source.choice(tuple(_WAYS.items()))
    hidden = disguise(source, value)
    if source.random() < 0.15:
        second, again = source.choice(tuple(_OUTER.items()))
        hidden, name = again(source, hidden), f"{name}+{second}"
    surface = source.choice(
        ("§", "Here it is: §", "`§`", "data: §", "| note | §  |", "The agent replied:\n\n§\n", 'out = "§"')
    )
    head, tail = surface.split("§")
    if source.random() < 0.5:
        head, tail = f"{source.choice(OPENINGS)}\n\n{head}", f"{tail}\n\n{source.choice(CLOSINGS)}"
    return Sample(
        head + hidden + tail,
        (Leak("evasion", f"{name}/{category}", len(head), len(head) + len(hidden)),),
        f"{name}/{category}",
    )


def _each(way: Callable[[str], str]) -> Callable[[random.Random, str], str]:
    return lambda source, value: "".join(way(letter) for letter in value)


def _sprinkle(source: random.Random, value: str, marks: str) -> str:
    every = source.choice((1, 2, 3, 5))
    return "".join(letter + (source.choice(marks) if place % every == 0 else "") for place, letter in enumerate(value))


def _maths(start: int, small: int, digit: int) -> Callable[[str], str]:
    def one(letter: str) -> str:
        if "A" <= letter <= "Z":
            return chr(start + ord(letter) - 65)
        if "a" <= letter <= "z":
            return chr(small + ord(letter) - 97)
        if "0" <= letter <= "9" and digit:
            return chr(digit + ord(letter) - 48)
        return letter

    return one


def _b64(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


def _wrapped(source: random.Random, value: str) -> str:
    text = _b64(f"note: {value} - keep it safe until the review is over, thanks")
    width = source.choice((40, 60, 64, 76))
    return "\n".join(text[place : place + width] for place in range(0, len(text), width))


def _joined(source: random.Random, value: str) -> str:
    cut = len(value) // 2
    quote, mark = source.choice(('"', "'")), source.choice((" + ", " . ", " ", " .. ", " & ", " +\n    ", " || "))
    if source.random() < 0.3:
        third = len(value) // 3
        return mark.join(quote + part + quote for part in (value[:third], value[third : 2 * third], value[2 * third :]))
    return f"{quote}{value[:cut]}{quote}{mark}{quote}{value[cut:]}{quote}"


def _chunks(source: random.Random, value: str, mark: str) -> str:
    size = source.choice((3, 4, 5, 6))
    return mark.join(value[place : place + size] for place in range(0, len(value), size))


_WAYS: dict[str, Callable[[random.Random, str], str]] = {
    "zero_width": lambda source, value: _sprinkle(source, value, "\u200b\u200c\u200d\u2060\ufeff"),
    "soft_hyphen": lambda source, value: _sprinkle(source, value, "\u00ad"),
    "bidi": lambda source, value: source.choice(
        (f"\u202a{value}\u202c", _sprinkle(source, value, "\u200e\u200f\u2066\u2069"))
    ),
    "variation": lambda source, value: _sprinkle(source, value, "\ufe0e\ufe0f"),
    "tags": _each(lambda letter: chr(0xE0000 + ord(letter)) if ord(letter) < 128 else letter),
    "fullwidth": _each(lambda letter: chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter),
    "math_bold": _each(_maths(0x1D400, 0x1D41A, 0x1D7CE)),
    "math_mono": _each(_maths(0x1D670, 0x1D68A, 0x1D7F6)),
    "math_sans": _each(_maths(0x1D5A0, 0x1D5BA, 0x1D7E2)),
    "homoglyphs": lambda source, value: value.translate(_HOMOGLYPHS),
    "some_homoglyphs": lambda source, value: "".join(
        letter.translate(_HOMOGLYPHS) if source.random() < 0.4 else letter for letter in value
    ),
    "combining": lambda source, value: _sprinkle(source, value, "\u0301\u0308\u0327\u0332\u034f"),
    "entities_decimal": _each(lambda letter: f"&#{ord(letter)};"),
    "entities_hex": _each(lambda letter: f"&#x{ord(letter):x};"),
    "entities_named": lambda source, value: (
        html.escape(value)
        .replace("_", "&lowbar;")
        .replace("-", "&#45;")
        .replace("@", "&commat;")
        .replace(":", "&colon;")
        .replace(" ", "&nbsp;")
    ),
    "percent": _each(lambda letter: f"%{ord(letter):02X}"),
    "percent_some": lambda source, value: urllib.parse.quote(value, safe="").replace("_", "%5F").replace("-", "%2D"),
    "u_escapes": _each(lambda letter: f"\\u{ord(letter):04x}"),
    "x_escapes": _each(lambda letter: f"\\x{ord(letter):02x}"),
    "octal": _each(lambda letter: f"\\{ord(letter):03o}"),
    "u_braces": _each(lambda letter: f"\\u{{{ord(letter):x}}}"),
    "base64": lambda source, value: _b64(value),
    "base64_bare": lambda source, value: _b64(value).rstrip("="),
    "base64_twice": lambda source, value: _b64(_b64(value)),
    "base64_url": lambda source, value: base64.urlsafe_b64encode(value.encode()).decode(),
    "base64_wrapped": _wrapped,
    "base32": lambda source, value: base64.b32encode(value.encode()).decode(),
    "hex": lambda source, value: value.encode().hex(),
    "hex_upper": lambda source, value: value.encode().hex().upper(),
    "hex_spaced": lambda source, value: value.encode().hex(source.choice(" :")),
    "hex_0x": lambda source, value: "0x" + value.encode().hex(),
    "hex_list": lambda source, value: ", ".join(f"0x{byte:02x}" for byte in value.encode()),
    "decimal_list": lambda source, value: source.choice((" ", ", ", ",")).join(str(byte) for byte in value.encode()),
    "gzip_base64": lambda source, value: base64.b64encode(gzip.compress(value.encode(), mtime=0)).decode(),
    "zlib_base64": lambda source, value: base64.b64encode(zlib.compress(value.encode())).decode(),
    "reversed": lambda source, value: value[::-1],
    "rot13": lambda source, value: codecs.encode(value, "rot13"),
    "spaces": lambda source, value: " ".join(value),
    "chunks_space": lambda source, value: _chunks(source, value, " "),
    "dashes": lambda source, value: "-".join(value),
    "dots": lambda source, value: ".".join(value),
    "lines": lambda source, value: "\n".join(value),
    "broken_lines": lambda source, value: _chunks(source, value, source.choice(("\n", " \n", "\\\n", "-\n"))),
    "markdown": lambda source, value: source.choice(
        (
            "".join(f"**{letter}**" for letter in value),
            _chunks(source, value, "**"),
            _chunks(source, value, "`"),
            _chunks(source, value, "_*"),
            _chunks(source, value, "~~"),
        )
    ),
    "comments": lambda source, value: _chunks(source, value, source.choice(("<!-- -->", "<b></b>", "<wbr>"))),
    "joined": _joined,
}
_OUTER: dict[str, Callable[[random.Random, str], str]] = {
    "base64": lambda source, value: _b64(value),
    "hex": lambda source, value: value.encode().hex(),
    "percent": lambda source, value: urllib.parse.quote(value, safe=""),
    "zero_width": lambda source, value: _sprinkle(source, value, "\u200b"),
    "gzip_base64": lambda source, value: base64.b64encode(gzip.compress(value.encode(), mtime=0)).decode(),
    "reversed": lambda source, value: value[::-1],
}
