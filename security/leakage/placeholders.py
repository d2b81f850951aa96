"""Tell values that stand for a secret, or that a vendor's documentation prints, from secrets."""

from __future__ import annotations

import hashlib
import re

from ahocorasick_rs import BytesAhoCorasick

_STAND_INS = (
    b"example",
    b"placeholder",
    b"redacted",
    b"dummy",
    b"changeme",
    b"change-me",
    b"change_me",
    b"replace-me",
    b"replace_me",
    b"replaceme",
    b"replace_with",
    b"replace-with",
    b"your-",
    b"your_",
    b"yourp",
    b"yours",
    b"yourt",
    b"youra",
    b"my_secret",
    b"my-secret",
    b"mysecret",
    b"insert_",
    b"insert-",
    b"_here",
    b"-here",
    b"***",
    b"...",
    b"\xe2\x80\xa6",
    b"\xe2\x80\xa2\xe2\x80\xa2",
    b"todo",
    b"fixme",
    b"sample_",
    b"sample-",
    b"fake_",
    b"fake-",
    b"mock_",
    b"mock-",
    b"notreal",
    b"not_real",
    b"not-real",
    b"foobar",
    b"lorem",
    b"deadbeef",
    b"cafebabe",
    b"goes_here",
    b"hidden",
    b"masked",
    b"censored",
    b"removed",
    b"truncated",
    b"elided",
    b"omitted",
    b"filtered",
    b"${",
    b"{{",
    b"%(",
    b"()",
    b"}}",
)
# A reference to where a secret is kept. (Matched at the beginning of a value.)
_REFERENCE = re.compile(
    rb"\$[({]|\$[A-Za-z_][\w.:]*$|%\w+%|<[^>]*>?$|\{|&\w+;|\[[A-Za-z _-]*\]?$|#\{|env[.(:\[]|process\.env|os\.|getenv"
    rb"|config[.\[(]|settings\.|vault:|secret://|ref\+|arn:|!(?:secret|env|ref|sub|getatt|vault)\b|data\.|var\.|local\."
    rb"|module\.|secrets\.|self\.|this\.|request\.|ssm:|sm://|op://|@Microsoft"
)
_FIVE_EQUAL = bytes(5)
_SEQUENCES = (
    b"0123456",
    b"1234567",
    b"2345678",
    b"3456789",
    b"abcdefg",
    b"bcdefgh",
    b"qwertyu",
    b"asdfghj",
    b"7654321",
    b"9876543",
    b"zyxwvut",
    b"a1b2c3d",
    b"1a2b3c4",
    b"1q2w3e4",
)
_STAND_IN_MACHINE = BytesAhoCorasick(_STAND_INS)
_MADE_UP_MACHINE = BytesAhoCorasick(_STAND_INS + _SEQUENCES)
# SHA-256 of values that vendors print in their documentation, first 16 hex digits: the values themselves would set off
# every scanner that reads this file.
_DOCUMENTED = frozenset(
    (
        " 0011cc25eb432071 00cf4c781dc37003 02091175c1ae3023 02f7ce3c263f85c0 0b5dd075ccdd03c4 0e9d220616f08345"
        " 12d8d9ea56a1acfb 2cafc0970149a84f 3543c50b0cb9cea8 654b2b06319049d0 696a63e2409e663a 6c96130f130ab0d6"
        " 73f71af093fdf154 7abdae32d3c9fd31 7f75367e78812551 87cbebfeebc05f7c 8d4ef6536dc8895f 9c846fdf0fa8955c"
        " aa6547439583c3a2 ac9265e56c79b234 b8e148545b13c78b bc3ae723f57c6b9e bdfeaef44475711c c4bbcb1fbec99d65"
        " c794fa6d20c64efb ca7459e2b26776de cf4d418ed3de92d7 da816f9f2c16e6c5 e4da07ad200089ce f2d6ca16515033e5"
    ).split()
)


def is_stand_in(value: bytes) -> bool:
    """Tell whether `value` says of itself that it is no secret, or refers to where one is kept."""
    lowered = value.lower()
    if _STAND_IN_MACHINE.find_matches_as_indexes(lowered):
        return True
    return (b"xxxx" in lowered and _is_crossed_out(value)) or is_reference(value)


def is_reference(value: bytes) -> bool:
    """Tell whether `value` refers to where a secret is kept."""
    return _REFERENCE.match(value) is not None


def _is_crossed_out(value: bytes) -> bool:
    return b"xxxx" in value or b"XXXX" in value or b"xxxxxx" in value.lower()


def is_made_up(token: bytes) -> bool:
    """Tell whether a random-looking format was filled by hand: stand-ins, runs, keyboard rows, few letters."""
    lowered = token.lower()
    if _MADE_UP_MACHINE.find_matches_as_indexes(lowered) or (b"xxxx" in lowered and _is_crossed_out(token)):
        return True
    different = len(set(token))
    return different < min(10, len(token) // 3) or (len(token) - different > 4 and _has_run(token))


def _has_run(token: bytes) -> bool:
    """Tell whether six equal letters follow each other: each differs from the one before by nothing."""
    number = int.from_bytes(token, "big")
    return _FIVE_EQUAL in (number ^ (number >> 8)).to_bytes(len(token), "big")


def is_documented(value: bytes) -> bool:
    """Tell whether `value` is printed in its vendor's documentation."""
    return hashlib.sha256(value).hexdigest()[:16] in _DOCUMENTED
