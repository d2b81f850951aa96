"""Find passwords on command lines, in SQL, and in pairs with a user's name."""

from __future__ import annotations

import re

from security.leakage.engine import Expression
from security.leakage.finding import DetectionType, Label, Severity
from security.leakage.placeholders import is_stand_in
from security.leakage.scene import STEP, Scene
from security.leakage.secret_shape import judge_loose, judge_password

_LABEL = Label(DetectionType.CREDENTIAL, "password", Severity.HIGH, 0.9, 12)

COMMAND = Expression(
    r"\b(?:mysql|mysqldump|mysqladmin|mariadb|sshpass|docker login|podman login|unzip|7z|redis-cli|curl|wget"
    r"|smbclient|net use|net user|mongo|mongosh|mongodump|sqlcmd"
    r"|ldapsearch|htpasswd|cqlsh|az login|oc login|helm registry login|identified by|with password|sudo -S|chpasswd"
    r"|lftp|rsync|twine upload|keytool|openssl)\b|\bhttp[ \t]",
    caseless=True,
)
PAIR = Expression(r"(?:credentials?|creds|log ?in|logged in|sign in|auth|connect|getconnection)\b", caseless=True)

_QUOTED = rb"(?:\"([^\"\n]{3,100})\"|'([^'\n]{3,100})'|([^\s\"'|;&]{3,100}))"
_OPTION = re.compile(
    rb"[^\n|;&]{0,200}?[ \t](?:-p|-P|--?pass(?:word|wd)?|-a|-w|-storepass|-keypass)(?:[ \t]+|=)?" + _QUOTED,
    re.IGNORECASE,
)
_USER_OPTION = re.compile(
    rb"[^\n|;]{0,200}?[ \t](?:-u|--user|-U|--proxy-user|-a)(?:[ \t]+|=)?[\"']?[\w.@\\-]{0,60}[:%]([^\s\"'|;]{3,100})"
)
_WITH_OPTIONS = (_OPTION, _USER_OPTION)
_NET_USE = re.compile(rb"[ \t][^\n]{0,160}?/user:\S{1,60}[ \t]+([^\s/]{4,100})", re.IGNORECASE)
_NET_USER = re.compile(rb"[ \t]+[\w.-]{1,40}[ \t]+([^\s/]{4,100})")
_SQL = re.compile(rb"[ \t]+(?:password[ \t]+)?(?:N?'([^'\n]{3,100})'|\"([^\"\n]{3,100})\")", re.IGNORECASE)
_PIPED = re.compile(rb"echo[ \t]+-?n?[ \t]*[\"']?(?:[\w.-]{1,40}:)?([^\s\"'|]{4,100})[\"']?[ \t]*\|[^|\n]{0,30}$")
_PAIR = re.compile(
    rb"(?:[ \t](?!is\b|are\b|with\b|using\b|as\b)(?>[\w'/-]{1,30})){0,6}?(?:[ \t]*[:=(]|[ \t]+(?:is|are|with"
    rb"|using|as|to"
    rb"|of|were))[ \t\n]{1,3}(?:[\w']{1,20}[ \t]){0,2}?"
    rb"[\"'`*]{0,3}[\w.@+-]{2,60}[\"'`*]{0,3}[ \t]{0,2}(?:[:/|,]|and"
    rb"|with)[ \t]{0,2}(?:[a-z]{1,12}[ \t]){0,2}[\"'`*]{0,3}([^\s\"'`*]{5,100})"
)
_ARGUMENTS = re.compile(
    rb"\w{0,20}\([ \t]{0,4}(?:[^()\n,]{1,80},[ \t]{0,4})?[\"'][\w.@-]{2,60}[\"'][ \t]{0,4},[ \t]{0,4}[\"']([^\""
    rb"'\n]{5,100})[\"']"
)
_IS_OPTION = re.compile(rb"--?[a-z-]{1,30}$")


def on_command(scene: Scene, end: int) -> None:
    """Note a password given as an option or an argument of a command, or set in SQL."""
    raw = scene.raw
    end -= raw[end - 1] in b" \t"
    word = raw[max(0, end - 16) : end].lower()
    has_option = raw.find(b"-", end, end + 210) >= 0
    for pattern in _patterns(word):
        match = pattern.match(raw, end) if has_option or pattern not in _WITH_OPTIONS else None
        if match and match.lastindex:
            _note(scene, *match.span(match.lastindex))
            return
    if word.endswith((b"sudo -s", b"chpasswd")):
        piped = _PIPED.search(raw, max(0, end - 160), end - 7)
        if piped:
            _note(scene, *piped.span(1))


def _patterns(word: bytes) -> tuple[re.Pattern[bytes], ...]:
    if word.endswith(b"net use"):
        return (_NET_USE,)
    if word.endswith(b"net user"):
        return (_NET_USER,)
    if word.endswith((b"identified by", b"with password")):
        return (_SQL,)
    if word.endswith((b"curl", b"wget", b"smbclient", b"http", b"lftp")):
        return (_USER_OPTION,)
    return (_OPTION,)


def on_pair(scene: Scene, end: int) -> None:
    """Note the second of a user's name and a password that follow a word for credentials."""
    scene.budget.steps -= STEP
    match = _PAIR.match(scene.raw, end) or _ARGUMENTS.match(scene.raw, end)
    if match is None:
        return
    start, stop = match.span(1)
    while stop > start and scene.raw[stop - 1] in b".,;:)]}":
        stop -= 1
    if judge_loose(scene.raw[start:stop]):
        scene.add(start, stop, _LABEL)


def _note(scene: Scene, start: int, end: int) -> None:
    value = scene.raw[start:end]
    if _IS_OPTION.match(value) or is_stand_in(value) or not judge_password(value):
        return
    scene.add(start, end, _LABEL)
