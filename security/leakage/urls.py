"""Find structured secrets: URLs with passwords, private keys, JWTs."""

from __future__ import annotations

import re

from security.leakage.engine import Expression
from security.leakage.finding import DetectionType, Label, Severity
from security.leakage.placeholders import is_documented, is_made_up, is_stand_in
from security.leakage.scene import STEP, Scene
from security.leakage.secret_shape import judge_password
from security.leakage.validators.token_checks import jwt

URL_PASSWORD = Expression(r"://[^\s/@:\x22'<>]{0,80}:[^\s/\x22'<>@]{1,120}@")
PRIVATE_KEY = Expression(r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY")
DSN_PASSWORD = Expression(
    r"[A-Za-z0-9]:[^\s:@\x22'/]{4,100}@(?:tcp|unix|udp)\(|:thin:[^\s/@:\x22']{1,60}/[^\s/\x22'@]{4,100}@"
    r"|:(?:5432|3306|1433|1521|6432|\*):[A-Za-z0-9_.*-]{1,40}:[A-Za-z0-9_.*@-]{1,40}:[^\s:]{6}"
)
JWT = Expression(r"eyJ[A-Za-z0-9_-]{12}")

_URL_LABEL = Label(DetectionType.CREDENTIAL, "url_password", Severity.HIGH, 0.95, 20)
_KEY_LABEL = Label(DetectionType.CREDENTIAL, "private_key", Severity.CRITICAL, 0.99, 30)
_JWT_LABEL = Label(DetectionType.CREDENTIAL, "jwt", Severity.HIGH, 0.95, 25)

_URL = re.compile(
    rb"[A-Za-z][A-Za-z0-9+.-]{1,30}://([^\s/@:\"'<>]{0,80}):([^\s/\"'<>]{1,160})@[A-Za-z0-9_.:\[\]{}$-]{1,200}(?:/[^\s\"'<>`|)\]}]*)?"
)
_PEM_END = re.compile(rb"-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_PEM_BODY = re.compile(rb"[A-Za-z0-9+/=]{16,}")
_JWT = re.compile(
    rb"eyJ[A-Za-z0-9_-]{10,4000}\.(?:eyJ|[A-Za-z0-9_-])[A-Za-z0-9_-]{5,6000}(?:\.[A-Za-z0-9_-]{10,2000}){1,3}|eyJ[A-Za-z0-9_-]{10,4000}\.\.[A-Za-z0-9_-]{10,400}"
)
_TAUGHT = frozenset(
    b"password pass passwd pwd secret user username guest example changeme postgres root test token xxx key".split()
)
_PEM_REACH = 20_000


def on_url_password(scene: Scene, end: int) -> None:
    """Note the whole URL when its user part holds a password."""
    raw = scene.raw
    match = _URL.search(raw, max(0, raw.rfind(b"://", max(0, end - 220), end) - 32), min(len(raw), end + 400))
    if match is None or match.end() < end:
        return
    user, password = match[1], match[2]
    if password.lower() in _TAUGHT or is_stand_in(password) or password == user:
        return
    scene.add(match.start(), match.end(), _URL_LABEL)


_DSN = re.compile(
    rb"[\w.@-]{1,60}:([^\s:@\"'/]{4,100})@(?:tcp|unix|udp)\([^()\s]{0,100}\)(?:/[\w.-]*)?"
    rb"|jdbc:oracle:thin:[^\s/@:\"']{1,60}/([^\s/\"'@]{4,100})@[\w.:/-]{1,100}"
    rb"|[\w.*-]{1,100}:(?:\d{2,5}|\*):[\w.*-]{1,40}:[\w.*@-]{1,40}:([^\s:]{6,100})"
)


def on_dsn_password(scene: Scene, end: int) -> None:
    """Note a driver's address, or a line of a password file, that holds a password."""
    raw = scene.raw
    start = max(0, end - 240)
    for mark in (b"\n", b" ", b'"', b"'", b"`"):
        start = max(start, raw.rfind(mark, start, end) + 1)
    match = _DSN.search(raw, start, end + 220)
    password = next(filter(None, match.groups()), b"") if match else b""
    if match and judge_password(password) and password.lower() not in _TAUGHT:
        scene.add(match.start(), match.end(), _URL_LABEL)


def on_private_key(scene: Scene, end: int) -> None:
    """Note the block from its BEGIN to its END line, or as far as its body goes."""
    scene.budget.steps -= 12 * STEP
    raw = scene.raw
    start = raw.rfind(b"-----BEGIN", max(0, end - 80), end)
    closing = _PEM_END.search(raw, end, end + _PEM_REACH)
    stop = closing.end() if closing else _last_body(raw, end)
    body = b"".join(_PEM_BODY.findall(raw, end, stop))
    if len(body) >= 60 and not is_made_up(body):
        scene.add(start, stop, _KEY_LABEL)


def _last_body(raw: bytes, end: int) -> int:
    stop = end
    for line in _PEM_BODY.finditer(raw, end, end + 8000):
        if line.start() > stop + 100:
            break
        stop = line.end()
    return stop


def on_jwt(scene: Scene, end: int) -> None:
    """Note a signed or encrypted web token whose header decodes."""
    scene.budget.steps -= 4 * STEP
    match = _JWT.match(scene.raw, end - 15)
    if match is None or not scene.starts_word(match.start()):
        return
    if jwt(match[0]) and not is_documented(match[0]):
        scene.add(match.start(), match.end(), _JWT_LABEL)
