"""Judge whether a value, by its letters alone, is a password or a key rather than a word, a name or a number."""

from __future__ import annotations

import re
from itertools import pairwise

from security.leakage.placeholders import is_documented, is_made_up, is_reference, is_stand_in

_WORD = re.compile(rb"[A-Za-z]+$")
_DIGITS = re.compile(rb"[0-9]+$")
_UUID = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")
_HEX = re.compile(rb"(?:0x)?(?:[0-9a-f]{16,}|[0-9A-F]{16,})$")
# What reads like a secret and is none: sizes, algorithms' names, versions, of letters and digits alone ...
_ORDINARY_WORDS = (
    rb"[\d.,_]+\s?(?:%|[kmgt]i?b|ms|s|m|h|d|x|k"
    rb"|rpm|px|st|nd|rd|th|min|sec|hrs?|days?|hours?|minutes?|tokens?|chars?|bits?|bytes?)?"
    rb"|(?:sha|md|aes|rsa|ecdsa|ed|es|hs|rs|ps|eddsa|hmac|pbkdf|bcrypt|argon|x|utf|iso|rfc|http|tls|ssl|oauth|oidc"
    rb"|saml|jwt|jwe|jws|base|totp|hotp|curve|p|secp|ripemd|blake|scrypt|crc|ipv|gpt|claude|llama|ec|s|k8s|i18n|l10n"
    rb"|a11y|b2b|b2c|ec2|h2|web|v|t|q|fido|u2f|2fa|mfa|pkcs|x509|des|3des|rc|dsa|kms|hsm|cbc|gcm|ctr"
    rb"|ecb)[-_/]?\d+[a-z]{0,3}(?:[-_/.][a-z]*\d*){0,4}"
    rb"|(?:node|python|go|ruby|php|java|rust|npm|pip)[-@]?\d.*|\w{1,3}"
    rb"|0x[0-9a-f]{1,16}|q[1-4][-/ ]?\d{2,4}|(?:fy|cy|h[12])[-']?\d{2,4}|[a-z]+[-_ ]\d{1,4}"
    rb"|[a-z]{2,}\d{1,2}|\d{1,3}[-_]?[a-z]{2,}"
)
# ... and what has other signs too: dates, paths, addresses, hashes, code.
_ORDINARY_SIGNS = (
    rb"\d{1,4}[-/.:]\d{1,2}[-/.:]\d{1,4}(?:[t ].*)?|\d{1,2}:\d{2}|cve-\d{4}-\d+|ghsa(?:-\w{4}){3}"
    rb"|v?\d+(?:\.\d+)+[\w.+-]*"
    rb"|(?:[a-z][a-z0-9+.-]*)://.*|(?:\.{0,2}|~)/.*|[\w.-]+/[\w./-]*\.\w{1,5}|[\w-]+\.(?:py|js|ts|go|rs|rb|java|json"
    rb"|ya?ml|toml|env|pem|key|crt|txt|md|sh|tf|xml|html?|css|csv|sql|cfg|conf|ini|log|example|sample|com|org|net|io"
    rb"|dev)"
    rb"|[a-z_$][\w$]*(?:(?:\.|::|->)[a-z_$][\w$]*)*\(.*|[a-z_$][\w$]*(?:(?:\.|::|->)[a-z_$][\w$]*)+|[a-z_]\w*\[.*"
    rb"|(?:sha\d*|md5|bcrypt|argon2\w*|pbkdf2\w*|scrypt|crypt)[:$-].*|\$(?:2[abxy]|[156y]|argon2\w*|pbkdf2\w*|scrypt"
    rb"|apr1)\$.*|\{(?:ssha|sha|bcrypt|noop)\}.*"
    rb"|pbkdf2_sha\d+\$.*|[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}|\d+(?:-\w{1,12})?"
    rb"|[a-z]+\d{0,2}(?:/[a-z]+\d{0,2})+|[a-z]+\d+-\d+[a-z]{0,4}|\d+[a-z]+/[a-z]+|[a-z]+(?:-[a-z]+)*-\d[a-z]?"
    rb"|[a-z]{1,5}-\d{2,6}"
)
_ORDINARY = re.compile(rb"(?i)^(?:" + _ORDINARY_WORDS + rb"|" + _ORDINARY_SIGNS + rb")$")
_ORDINARY_WORD = re.compile(rb"(?i)^(?:" + _ORDINARY_WORDS + rb")$")
_IDENTIFIER = re.compile(
    rb"[a-z]+(?:[-_.][a-z]+)*\d{0,2}$|[A-Z]+(?:[-_.][A-Z]+)*\d{0,2}$|(?:[A-Z]?[a-z]+)(?:[A-Z][a-z]+)*\d{0,2}$", re.ASCII
)
_SPECIAL = re.compile(rb"[^A-Za-z0-9]")
# Words strung together as people do it: Paris.Sunshine12, tiger-shadow-harbor-paris65.
_STRUNG = re.compile(
    rb"(?:[A-Z0@$][a-z0-9@$]{3,15}[-._]){1,3}[A-Z][a-z0-9@$]{3,15}?\d{1,4}[!#$%*?]?$"
    rb"|(?:[a-z]{3,15}([-_.]))(?:[a-z]{3,15}\1){1,5}[a-z]{3,15}\d{1,4}[!#$%*?]?$"
)
_STRUNG_WORDS = re.compile(rb"[a-z]{3,12}([- ])(?:[a-z]{3,12}\1){2,6}[a-z]{3,12}$")
_HUMP = re.compile(rb"[A-Z][a-z]+|[a-z]+|[A-Z]+|[0-9]+|[^A-Za-z0-9]+")
_COMMON_PAIRS = frozenset(
    "th he in er an re nd on en at ou ed ha to or it is hi es ng st ar te se as al le ve ti ro ri co me de ne ra ll"
    " ea io ic ma"
    " om ur li el et ta si nt la us em ec ch ca tr ss pr ac id pe ie no ee ns ce un ol ho wh ly ut il ot ul lo ad ni"
    " ge oo mo wi"
    " po ow su sh sp pa am op ai ke ct ap ir di ay fi fo do so be wa bl br cl cr gr pl qu sc sk sl sm sn sw tw ck ty"
    " ry ey ex ab"
    " ag av ev ov iv ig im ip ob od og os up um ud ue ui ff mm nn pp rr tt mi mp mb ft ga gi go gu gh bi bo bu ba da"
    " du dr fa fe"
    " fl fr fu ja jo ju ki kn lu na nu oa oi pi pu ru sa sy tu va vi vo we wo ye yo za ze".split()
)


def judge_password(value: bytes) -> float:
    """Return how sure it is (0 to 1) that a value given as a password is one."""
    confidence = _password_confidence(value)
    return confidence if confidence and not is_documented(value) else 0.0


def _password_confidence(value: bytes) -> float:
    if is_jumble(value):
        return 0.8
    if not 4 <= len(value) <= 200 or value.strip() != value or value in _FAMOUS or _is_reserved(value):
        return 0.0
    # Most words are told apart cheaply, before the long list of what is ordinary.
    if is_stand_in(value) or (value.isalpha() and not _looks_random(value)):
        return 0.0
    if _STRUNG.match(value):
        return 0.8
    return _unusual_confidence(value)


def _unusual_confidence(value: bytes) -> float:
    if _is_ordinary(value):
        digits = len(value) >= 6 and _DIGITS.match(value) is not None
        jumbled = (value.isalnum() or _is_jumbled_path(value)) and _looks_random(value)
        return 0.7 if digits or _weak_password(value) or jumbled else 0.0
    if _WORD.match(value) or _IDENTIFIER.match(value):
        return 0.6 if _looks_random(value) or _weak_password(value) or _STRUNG_WORDS.match(value) else 0.0
    return 0.9


def judge_key(value: bytes) -> float:
    """Return how sure it is (0 to 1) that a value given as a token, key or secret is one."""
    confidence = _key_confidence(value)
    return confidence if confidence and not is_documented(value) else 0.0


def _key_confidence(value: bytes) -> float:
    if len(value) < 8:
        return 0.0
    if is_jumble(value) or _STRUNG.match(value):
        return 0.7
    is_short_word = len(value) < 12 and value.isalpha() and (value.islower() or value.istitle())
    if is_short_word or len(value) > 2000 or b" " in value or _is_reserved(value) or is_reference(value):
        return 0.0
    return _key_shape_confidence(value)


def _key_shape_confidence(value: bytes) -> float:
    if is_made_up(value) or _DIGITS.match(value) or _is_ordinary(value):
        return 0.0
    if _UUID.match(value) or _HEX.match(value):
        return 0.8
    if _IDENTIFIER.match(value):
        return 0.7 if len(value) >= 12 and _looks_random(value) else 0.0
    return 0.9 if _digits_inside(value) or _looks_random(value) or _PICKED.match(value) else 0.0


def judge_loose(value: bytes) -> float:
    """Return how sure it is that a word somewhere after the mention of a secret is that secret: it must stand out."""
    if len(value) < 7:
        return 0.0
    if _STRUNG.match(value):
        return 0.7 if not is_made_up(value) else 0.0
    if not _stands_out(value) or _UUID.match(value) or _HEX.match(value):
        return 0.0
    return min(0.75, judge_password(value)) if not is_made_up(value) else 0.0


def _stands_out(value: bytes) -> bool:
    digit = value.translate(None, b"0123456789") != value
    special = not value.isalnum()
    small, capital = value.upper() != value, value.lower() != value
    if not (small or capital) or not digit:
        return special and small and capital and _SPECIAL_INSIDE.search(value) is not None
    if _HYPHENATED.match(value) or (not capital and not special and len(value) < 12):
        return False
    return small + capital + digit + special >= 3 or len(value) >= 16 or _mixes(value)


def _is_ordinary(value: bytes) -> bool:
    """Tell whether the value is of a kind that texts are full of; few kinds have letters and digits alone."""
    head = value[:80]
    return (_ORDINARY_WORD if head.isalnum() else _ORDINARY).match(head) is not None


_SPECIAL_INSIDE = re.compile(rb"[A-Za-z][!#$%^&*+=?~@][A-Za-z]")
_HYPHENATED = re.compile(
    rb"[A-Za-z]*\d{0,4}(?:[-_/.][A-Za-z]*\d{0,4})+$|[A-Z]{1,4}\d{1,6}$"
    rb"|[a-z]*\d{0,4}[a-z]{0,3}(?:[-_/.][a-z]*\d{0,4}[a-z]{0,3})+$"
)


def _mixes(value: bytes) -> bool:
    return len(_HUMP.findall(value)) >= 4


# The passwords that texts about weak passwords name.
_FAMOUS = frozenset(
    b"123456 1234567 12345678 123456789 1234567890 12345 1234 111111 000000 123123 654321 abc123".split()
)
# Long enough, of all sorts of letters, and neither a call nor a path: no code looks like this.
_LONGEST_JUMBLE = 40
_JUMBLED = re.compile(
    rb"(?=[^\s]*[a-z])(?=[^\s]*[A-Z])(?=[^\s]*[0-9])(?=[^\s]*[$()%&^#@!*])[^\s.,:;/\\\[\]{}<>=|'\"`?-]{9,40}$"
)


def is_jumble(value: bytes) -> bool:
    """Tell whether the value is a generated password whose signs make it look like code or a reference."""
    if len(value) > _LONGEST_JUMBLE or value.isalnum() or value.islower() or value.isupper():
        return False
    if _JUMBLED.match(value) is None or value.endswith(b"()"):
        return False
    return len(_HUMP.findall(value)) * 2 >= len(value) and not is_made_up(value.replace(b"()", b""))


def _is_jumbled_path(value: bytes) -> bool:
    """Tell whether what reads like an attribute's path is letters of all sorts without any order."""
    return (
        len(value) >= 10
        and _JUMBLE.match(value) is not None
        and value.upper() != value != value.lower()
        and value.translate(None, b"0123456789") != value
    )


# What a person makes up where all sorts of letters are demanded.
_PICKED = re.compile(rb"(?=.*[A-Z])(?=.*[a-z])(?=.*[0-9])(?=.*[!@#$%^&*?])[^\s/.:,()]{8,40}$")
_JUMBLE = re.compile(rb"[A-Za-z0-9_$]+(?:\.[A-Za-z0-9_$]+){1,2}$")


def _digits_inside(value: bytes) -> bool:
    return value.translate(None, b"0123456789") != value and (len(value) >= 16 or len(_HUMP.findall(value)) >= 4)


def _looks_random(value: bytes) -> bool:
    """Tell whether few of the letter pairs are pairs of English."""
    if len(value) < (3.0 if len(value) >= 24 else 2.6) * len(_HUMP.findall(value)):
        return True
    letters = value.decode("latin-1").lower()
    pairs = [pair for pair in map("".join, pairwise(letters)) if pair.isalpha()]
    return len(pairs) >= 5 and sum(map(_COMMON_PAIRS.__contains__, pairs)) < len(pairs) * 0.55


_WEAK = re.compile(
    rb"(?i)^(?:p[a@]ssw[o0]rd|admin|welcome|letmein|qwerty|hunter|summer|winter|spring|autumn|dragon|monkey|master"
    rb"|iloveyou|football|changeit|toor)[\d!@#$%]+$"
)


def _weak_password(value: bytes) -> bool:
    return _WEAK.match(value) is not None


_RESERVED = frozenset(
    b"true false null none nil undefined string str text number int integer bool boolean object array required optional"
    b" disabled enabled default empty unset expired invalid valid missing unknown secret password token changed rotated"
    b" encrypted hashed stored string: bytes date datetime varchar char username user admin root test testing value"
    b" function return self this class import const let var public private static void async await the and for"
    b" with".split()
)


def _is_reserved(value: bytes) -> bool:
    return value.lower() in _RESERVED
