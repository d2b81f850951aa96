"""Ways to hide a value that a careless scanner does not see through."""

from __future__ import annotations

import base64
import codecs
import gzip
import random
from collections.abc import Callable

from security.leakage.lookalikes import LOOKALIKES

Hide = Callable[[str, random.Random], str]
_TWINS = {plain: other for other, plain in reversed(LOOKALIKES.items()) if plain.isalpha() and ord(other) < 0x600}


def _styled(value: str, upper: int, lower: int, digit: int) -> str:
    def style(letter: str) -> str:
        if "A" <= letter <= "Z":
            return chr(upper + ord(letter) - 65)
        if "a" <= letter <= "z":
            return chr(lower + ord(letter) - 97)
        return chr(digit + ord(letter) - 48) if letter.isascii() and letter.isdigit() else letter

    return "".join(map(style, value))


def _pieces(value: str, source: random.Random) -> list[str]:
    size = source.randint(4, 9)
    return [value[index : index + size] for index in range(0, len(value), size)]


def _homoglyphs(value: str, source: random.Random) -> str:
    return "".join(_TWINS.get(letter, letter) if source.random() < 0.5 else letter for letter in value)


def _wrapped(value: str) -> str:
    text = base64.b64encode(value.encode()).decode()
    return "\n".join(text[index : index + 24] for index in range(0, len(text), 24))


def _with(template: str, hide: Hide) -> Hide:
    return lambda value, source: template.replace("{S}", hide(value, source))


EVASIONS: dict[str, Hide] = {
    "zero_width": lambda v, s: s.choice("\u200b\u200c\u200d\u2060\ufeff").join(v),
    "zero_width_once": lambda v, _s: v[:7] + "\u200b" + v[7:],
    "soft_hyphen": lambda v, _s: "\u00ad".join(v),
    "bidi": lambda v, _s: v[:5] + "\u202e\u202c" + v[5:],
    "tags": lambda v, _s: "".join(chr(0xE0000 + ord(letter)) for letter in v),
    "fullwidth": lambda v, _s: "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in v),
    "math_bold": lambda v, _s: _styled(v, 0x1D400, 0x1D41A, 0x1D7CE),
    "math_mono": lambda v, _s: _styled(v, 0x1D670, 0x1D68A, 0x1D7F6),
    "homoglyphs": _homoglyphs,
    "combining": lambda v, _s: "".join(
        letter + "\u0301" if index % 4 == 1 else letter for index, letter in enumerate(v)
    ),
    "entities": lambda v, _s: "".join(f"&#{ord(letter)};" for letter in v),
    "entities_hex": lambda v, _s: "".join(f"&#x{ord(letter):X};" for letter in v),
    "percent": lambda v, _s: "".join(f"%{ord(letter):02X}" for letter in v),
    "unicode_escapes": lambda v, _s: "".join(f"\\u{ord(letter):04x}" for letter in v),
    "hex_escapes": lambda v, _s: "".join(f"\\x{ord(letter):02x}" for letter in v),
    "base64": lambda v, _s: base64.b64encode(v.encode()).decode(),
    "base64_twice": lambda v, _s: base64.b64encode(base64.b64encode(v.encode())).decode(),
    "base64_url": lambda v, _s: base64.urlsafe_b64encode(v.encode()).decode().rstrip("="),
    "base64_wrapped": lambda v, _s: _wrapped(v + " keep it safe please"),
    "hex": lambda v, _s: v.encode().hex(),
    "hex_spaced": lambda v, _s: v.encode().hex(" "),
    "gzip_base64": lambda v, _s: base64.b64encode(gzip.compress(v.encode(), mtime=0)).decode(),
    "reversed": lambda v, _s: v[::-1],
    "rot13": lambda v, _s: codecs.encode(v, "rot13"),
    "spaced": lambda v, _s: " ".join(v),
    "dashed": lambda v, s: "-".join(_pieces(v, s)),
    "lines": lambda v, s: "\n".join(_pieces(v, s)),
    "chunks": lambda v, s: " ".join(_pieces(v, s)),
    "markdown": lambda v, _s: v[:3] + "**" + v[3:10] + "**" + v[10:],
    "concatenated": lambda v, s: '"' + '" + "'.join(_pieces(v, s)) + '"',
    "concatenated_php": lambda v, s: "'" + "' . '".join(_pieces(v, s)) + "'",
}
