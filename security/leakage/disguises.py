"""Notice disguised and encoded text, and have its other readings scanned too."""

from __future__ import annotations

import base64
import codecs
import re
import zlib
from collections.abc import Callable

from security.leakage.engine import Expression
from security.leakage.scene import Scene
from security.leakage.validators.token_checks import decode_base64
from security.leakage.views import (
    Reader,
    gathered,
    normalised,
    reversed_view,
    rotated,
    unescaped,
    unmarked,
    untagged,
)

Handler = Callable[[Scene, int], None]

_ZERO_WIDTH = (
    r"(?:\xe2\x80[\x8b-\x8f\xaa-\xae]|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf|\xc2\xad|\xcd\x8f|\xd8\x9c|\xe1\xa0\x8e"
    r"|\xf3\xa0[\x80-\x87][\x80-\xbf]"
    r"|\xef\xb8[\x80-\x8f]|\xe1\x85[\x9f\xa0]|\xe3\x85\xa4)"
)
_STYLED = (
    r"(?:\xef\xbc[\x90-\x99\xa1-\xba\x8d\xbf\xa0\x9d]|\xef\xbd[\x81-\x9a]|\xf0\x9d[\x90-\x9f][\x80-\xbf]"
    r"|\xe2[\x91-\x93][\x80-\xbf]"
    r"|\xf0\x9f[\x84-\x87][\x80-\xbf])"
)
_FOREIGN = (
    r"(?:[\xd0-\xd5\xce\xcf][\x80-\xbf]|\xcd[\xb0-\xbf]|\xe1[\x8e\x8f][\x80-\xbf]|\xe2\x85[\xa0-\xbf]|\xc4\xb1"
    r"|\xc9[\x91\xa1\xa9]|\xe1\xb4[\x80-\xbf])"
)
_LOOKALIKE_CYRILLIC = (
    r"(?:\xd0[\xb0\xb5\xbe\xba\xbc\xbf\xbd\x90\x92\x95\x9a\x9c\x9d\x9e\xa0\xa1\xa2\xa5\xa3]"
    r"|\xd1[\x80\x81\x82\x83\x85\x95\x96\x98])"
)
_COMBINING = r"(?:\xcc[\x80-\xbf]|\xcd[\x80-\xaf])"

DISGUISED = (
    Expression(rf"[!-~]{_ZERO_WIDTH}{{1,4}}[!-~]"),
    Expression(rf"{_STYLED}(?:{_STYLED}|[A-Za-z0-9@_.=-])"),
    Expression(rf"[A-Za-z0-9]{_STYLED}"),
    Expression(rf"[A-Za-z0-9]{_FOREIGN}"),
    Expression(rf"{_FOREIGN}[A-Za-z0-9]"),
    Expression(rf"(?:^|[\x00-\x7f]){_LOOKALIKE_CYRILLIC}{{3,12}}[ -~]"),
    Expression(r"[A-Za-z0-9](?:\xc2\xa0|\xe2\x80[\x80-\x8a\xaf]|\xe3\x80\x80)[A-Za-z0-9]"),
    Expression(rf"[A-Za-z0-9]{_COMBINING}{{1,3}}[A-Za-z0-9]"),
)
TAGGED = Expression(r"(?:\xf3\xa0[\x80\x81][\x80-\xbf]){6}")
ESCAPED = (
    Expression(r"&#[0-9]{2,5};"),
    Expression(r"&#x[0-9a-f]{2,4};", caseless=True),
    Expression(r"&(?:quot|apos|colon|equals|commat|lowbar|hyphen|dash|period|num|dollar|excl|sol|ast|semi);"),
    Expression(r"(?:%[3-7][0-9A-Fa-f]){2}"),
    Expression(r"[A-Za-z0-9]%(?:3[AaDd]|40|5[Ff]|2[DdEe]|22)"),
    Expression(r"\\u(?:\{0{0,4}|00)[2-7][0-9a-fA-F]"),
    Expression(r"\\U000000[2-7][0-9a-fA-F]"),
    Expression(r"\\x[2-7][0-9a-fA-F]"),
    Expression(r"(?:\\[01][0-7]{2}){3}"),
    Expression(r"[A-Za-z0-9]%25[2-7][0-9A-Fa-f]|[0-9](?:%20|%2B|&nbsp;)[0-9A-Z]|%2B[1-9][0-9]"),
    Expression(r"[A-Za-z0-9](?:=3D|=5F|=40|=2D)[A-Za-z0-9]"),
)
MARKED = (
    # A full stop after the mark ends most sentences, and only some are within an address.
    Expression(r"[A-Za-z0-9_@.-](?:\*{1,4}|~~|`|_\*|\*_)(?:[A-Za-z0-9_@-]|\.[A-Za-z0-9])"),
    Expression(
        r"[A-Za-z0-9_+/@.: -][\x22'`][ \t]{0,3}(?:\+|\.\.?|&|\|\|"
        r"|<>)[ \t]{0,3}\\?\n?[ \t]{0,12}[\x22'`][A-Za-z0-9@._ -]"
    ),
    Expression(r"[A-Za-z0-9_+/-][\x22'`][ \t]{0,3}\n[ \t]{0,12}(?:\+|\.|&)[ \t]{0,3}[\x22'`][A-Za-z0-9]"),
    Expression(r"[A-Za-z0-9_+/-][\x22'`](?: {0,2}\\)?(?: |\n[ \t]{0,12})[\x22'`][A-Za-z0-9_]"),
    Expression(
        r"[A-Za-z0-9_@.-](?:</?(?:b|i|em|wbr|span|strong|u|code|s)/?>|<!--[^>]{0,12}-->){1,2}[A-Za-z0-9_@.-]",
        caseless=True,
    ),
    Expression(r"[A-Za-z0-9_-]\\[_*-][A-Za-z0-9]"),
)
SPREAD = (
    Expression(r"(?:^|[^A-Za-z0-9])(?:[A-Za-z0-9] {1,3}){7}[A-Za-z0-9]"),
    *(
        Expression(rf"(?:^|[^A-Za-z0-9])[A-Za-z0-9](?:{mark}[A-Za-z0-9 @:=+_{other}]){{6}}{mark}[A-Za-z0-9]")
        for mark, other in (("-", "."), *((mark, "-") for mark in (r"\.", "_", r"\*", r"\|", ",", "/", r"\n")))
    ),
)
BACKWARDS = Expression(
    r"(?:drowss?ap|terces|nekot|yek[ _-]?ipa|laitnederc|esarhpssap|//:[a-z]{0,9}(?:ptth|lqs|sergtsop|sider|ognom"
    r"|pma)|(?:moc|ten|gro|oi|ed|rf|ku|ti|se|ln|lp|hc|ta|pj|rb|ua|ni|em|hcet|ppa|ved|ia|oc)\.[a-z0-9.-]{2,30}@)",
    caseless=True,
)
ROTATED = Expression(
    r"(?:cnffjbeq|frperg|gbxra|ncv[ _-]?xrl|perqragvny|cnffcuenfr"
    r"|[a-z0-9.]@[a-z0-9-]{2,30}\.(?:[a-z0-9-]{2,12}\.)?(?:pbz|bet|arg|vb|qri|qr|se|hx|vg|rf|ay|cy|pu|ng|wc"
    r"|oe|nh|va|zr|grpu|ncc|nv|pb)\b)",
    caseless=True,
)
# The rot13 and the mirrored forms of prefixes of four letters, which alone are too common to be looked for.
ROTATED_TOKEN = Expression(r"NVmnFl[A-Za-z0-9_-]{8}|N(?:XVN|FVN)[A-Z2-9]{8}")
BACKWARDS_TOKEN = Expression(
    r"[A-Za-z0-9_-]{8}ySazIA|[A-Z2-7]{12}AI[KS]A(?:$|[^A-Za-z0-9])"
    r"|[0-9A-Z](?: ?[0-9A-Z]){10,28}[0-9]{2}[A-Z]{2}(?:$|[^A-Za-z0-9])"
)
BASE32 = Expression(r"(?:^|[^A-Za-z0-9+/_=-])[A-Z2-7]{24}")
CODES = Expression(r"(?:^|[^0-9A-Za-z.])(?:(?:3[2-9]|[4-9][0-9]|1[01][0-9]|12[0-6])(?:, ?| )){9}")
BASE64 = Expression(
    r"(?:^|[^A-Za-z0-9+/_-])(?:[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589/_-][A-Za-z0-9+/_-]){4}"
)
GZIP_BASE64 = Expression(r"(?:H4sI|eJ[xwyzq])[A-Za-z0-9+/_-]{16}")
HEX = Expression(r"(?:^|[^0-9A-Za-z]|0x|\\x)(?:[2-7][0-9a-f]){8}", caseless=True)
HEX_SPACED = Expression(r"(?:^|[^0-9A-Za-z])(?:(?:0x)?[2-7][0-9a-f](?: |:|-|, ?)){8}", caseless=True)

_BASE64_RUN = re.compile(
    rb"[A-Za-z0-9+/_-]+(?:[ \t\"'+|>\\rn]{0,12}\r?\n[ \t\"'+|>]{0,12}[A-Za-z0-9+/_-]{20,})*(?:\r?\n[ \t\"'"
    rb"|>]{0,12}[A-Za-z0-9+/_-]{1,76}(?=[=\s\"'`]|$))?={0,2}"
)
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/_-]")
_HEX_RUN = re.compile(rb"(?:[0-9a-fA-F]{2}\s{0,2})+")
_HEX_SPACED_RUN = re.compile(rb"(?:(?:0x)?[0-9a-fA-F]{2}[ :,-]{0,2})+")
_HEX_SPACED_START = re.compile(rb"(?<![0-9A-Za-z])(?:(?:0x)?[2-7][0-9a-fA-F][ :,-]{1,2}){8}")
_BASE32_RUN = re.compile(rb"[A-Z2-7]{24,4000}(?:\r?\n[A-Z2-7]{8,80}){0,40}(?![a-z0-9])")
_CODES_START = re.compile(rb"(?<![0-9A-Za-z.])(?:\d{2,3}[, ]{1,2}){9}")
_CODES_RUN = re.compile(rb"\d{2,3}(?:[, ]{1,2}\d{2,3})*")
_NOT_HEX = re.compile(rb"0x|[^0-9a-fA-F]")
_FAR = 256
_LONGEST_BLOB = 65_536
_MOST_DEPTH = 3


def region_handler(*readers: Reader, reach: int = 96) -> Handler:
    """Return a handler that has `reach` bytes before and after a hit read in these ways."""

    def note(scene: Scene, end: int) -> None:
        scene.budget.refund()
        if scene.depth < _MOST_DEPTH:
            scene.note_region(end, readers, reach)

    return note


def on_base64(scene: Scene, end: int) -> None:
    """Decode a run of base64 whose first bytes are text, and scan it."""
    raw = scene.raw
    start = end - 16
    if scene.depth >= _MOST_DEPTH or start < scene.blob_end:
        return
    match = _BASE64_RUN.match(raw, start, start + _LONGEST_BLOB)
    if match is None:
        return
    scene.blob_end = match.end()
    decoded = decode_base64(_NOT_BASE64.sub(b"", match[0]))
    head = decoded[:12]
    if head.isascii() and b"\0" not in head:
        scene.rescan_blob(decoded, match.start(), match.end())


def on_gzip(scene: Scene, end: int) -> None:
    """Unpack a run of base64 that begins like gzip or zlib, and scan it."""
    start = end - 20 if scene.raw[end - 20 : end - 16] == b"H4sI" else end - 19
    if scene.depth >= _MOST_DEPTH or start < scene.blob_end or not scene.starts_word(start):
        return
    match = _BASE64_RUN.match(scene.raw, start, start + _LONGEST_BLOB)
    if match is None:
        return
    scene.blob_end = match.end()
    unpacked = _unpacked(decode_base64(_NOT_BASE64.sub(b"", match[0])), scene.budget.decode_bytes)
    if unpacked:
        scene.rescan_blob(unpacked, match.start(), match.end())


def _unpacked(packed: bytes, most: int) -> bytes:
    try:
        return zlib.decompressobj(wbits=47).decompress(packed, max(1, most))
    except zlib.error:
        return b""


def on_hex(scene: Scene, end: int) -> None:
    """Decode a run of hexadecimal digits, and scan it."""
    _on_hex(scene, end - 16, _HEX_RUN)


def on_spaced_hex(scene: Scene, end: int) -> None:
    """Decode hexadecimal pairs that stand apart, and scan them."""
    if end <= scene.blob_end:
        return
    start = max(0, end - 60)
    match = _HEX_SPACED_START.search(scene.raw, start)
    if match:
        _on_hex(scene, match.start(), _HEX_SPACED_RUN)


def _on_hex(scene: Scene, start: int, run: re.Pattern[bytes]) -> None:
    if scene.depth >= _MOST_DEPTH or start < scene.blob_end:
        return
    match = run.match(scene.raw, start, start + _LONGEST_BLOB)
    if match is None:
        return
    stop = match.start() + len(match[0].rstrip())
    scene.blob_end = stop
    digits = _NOT_HEX.sub(b"", match[0])
    scene.rescan_blob(bytes.fromhex(digits[: len(digits) & ~1].decode()), match.start(), stop)


def on_base32(scene: Scene, end: int) -> None:
    """Decode a run of base32, and scan it."""
    start = end - 24
    if scene.depth >= _MOST_DEPTH or start < scene.blob_end:
        return
    match = _BASE32_RUN.match(scene.raw, start)
    if match is None:
        return
    scene.blob_end = match.end()
    letters = _NOT_BASE32.sub(b"", match[0])
    letters = letters[: len(letters) - (len(letters) % 8 in (1, 3, 6))]
    decoded = base64.b32decode(letters + b"=" * (-len(letters) % 8))
    if decoded[:12].isascii():
        padding = _PADDING.match(scene.raw, match.end())
        scene.rescan_blob(decoded, start, padding.end() if padding else match.end())


_NOT_BASE32 = re.compile(rb"[^A-Z2-7]")
_PADDING = re.compile(rb"={0,6}")


def on_codes(scene: Scene, end: int) -> None:
    """Read a list of character codes, and scan it."""
    found = _CODES_START.search(scene.raw, max(0, end - 46), end)
    if found is None or scene.depth >= _MOST_DEPTH or found.start() < scene.codes_end:
        return
    match = _CODES_RUN.match(scene.raw, found.start(), found.start() + _LONGEST_BLOB)
    if match is None:
        return
    scene.codes_end = match.end()
    codes = [int(code) for code in _CODE.findall(match[0])]
    if max(codes) < 256:
        scene.rescan_blob(bytes(codes), *match.span())


_CODE = re.compile(rb"\d+")


def backwards_prefix(prefix: str) -> Expression:
    """Return what provider tokens with this prefix end in when written backwards."""
    return Expression("[A-Za-z0-9_-]{4}" + _quoted(prefix[::-1]))


def cut_prefix(prefix: str) -> list[Expression]:
    """Return what provider tokens with this prefix begin with where a value is cut into pieces of three to eight."""
    return [
        Expression(f"(?:^|[^A-Za-z0-9]){_quoted(prefix[:place])}{_SEAM}{_quoted(prefix[place:])}[A-Za-z0-9_-]")
        for place in (3, 4, 5, 6, 8)
        if place < len(prefix)
    ]


_SEAM = r"(?: |\n| \n|\\\n|-\n)"


def rotated_prefix(prefix: str) -> Expression:
    """Return what provider tokens with this prefix begin with in rot13."""
    return Expression(_quoted(codecs.encode(prefix, "rot13")) + "[A-Za-z0-9_-]{4}")


def _quoted(text: str) -> str:
    return re.sub(r"([^A-Za-z0-9_])", r"\\\1", text)


DETECTIONS: tuple[tuple[Expression, Handler], ...] = (
    *((expression, region_handler(normalised)) for expression in DISGUISED),
    (TAGGED, region_handler(untagged)),
    *((expression, region_handler(unescaped)) for expression in ESCAPED),
    *((expression, region_handler(unmarked)) for expression in MARKED),
    *((expression, region_handler(gathered)) for expression in SPREAD),
    (BACKWARDS_TOKEN, region_handler(reversed_view, reach=_FAR)),
    (ROTATED_TOKEN, region_handler(rotated, reach=_FAR)),
    (BASE32, on_base32),
    (CODES, on_codes),
    (BACKWARDS, region_handler(reversed_view, reach=_FAR)),
    (ROTATED, region_handler(rotated, reach=_FAR)),
    (BASE64, on_base64),
    (GZIP_BASE64, on_gzip),
    (HEX, on_hex),
    (HEX_SPACED, on_spaced_hex),
)
