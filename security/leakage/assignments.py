"""Find secrets by what a text calls them: in assignments of every notation, in tables and in prose."""

from __future__ import annotations

import re
from collections.abc import Callable

from security.leakage.engine import Expression
from security.leakage.finding import DetectionType, Label, Severity
from security.leakage.given_values import trimmed, value_at
from security.leakage.loose_words import LOOSE_REACH, loose_word
from security.leakage.odd_letters import has_odd_letters
from security.leakage.providers import provider_label
from security.leakage.scene import STEP, Scene
from security.leakage.secret_shape import judge_key, judge_loose, judge_password
from security.leakage.tables import in_column

Judge = Callable[[bytes], float]

PASSWORD_NOUNS = Expression(
    r"(?:passw(?:or)?d|passwort|kennwort|mot de passe|contrase(?:n|\xc3\xb1)a|senha|wachtwoord|l(?:o|\xc3\xb6)senord"
    r"|has(?:l|\xc5\x82)o"
    r"|pass[ _-]?phrase|(?:pass|access|backup|recovery|unlock|door|alarm)[ _-]?code|requirepass|\bclave\b"
    r"|\bpwd|[_-]pwd|\bpw\b|\bpass\b|[_-]pass\b|_pw\b|\bpin\b"
    r"|\xd0\xbf\xd0\xb0\xd1\x80\xd0\xbe\xd0\xbb\xd1\x8c|\xe5\xaf\x86\xe7\xa0\x81|\xe5\xaf\x86\xe7\xa2\xbc"
    r"|\xe3\x83\x91\xe3\x82\xb9\xe3\x83\xaf\xe3\x83\xbc\xe3\x83\x89)",
    caseless=True,
)
KEY_NOUNS = Expression(
    r"(?:secret|token|key|_pat\b|credential|\bcreds|\bauth(?:ori[sz]ation|code|pass)?(?:\b|[_0-9])|\bdsn"
    r"|\bsig(?:nature)?(?:\b|[_0-9])|bearer)",
    caseless=True,
)

_PASSWORD_LABEL = Label(DetectionType.CREDENTIAL, "password", Severity.HIGH, 0.9, 10)
_KEY_LABEL = Label(DetectionType.CREDENTIAL, "generic_secret", Severity.HIGH, 0.9, 10)

# Keys, tokens and secrets that no one keeps secret.
_HARMLESS_HEADS = frozenset(
    b"public primary foreign cache partition sort idempotency next page pagination continuation cursor sync max min"
    b" num total count per input"
    b" output completion prompt unique composite candidate surrogate natural row range index object dict map hash"
    b" stop eos bos pad unk special"
    b" translation i18n locale shortcut hot arrow enter escape tab known route s3 lookup json yaml message"
    b" event group aggregation join"
    b" distribution color design csrf xsrf tracking routing trace rsa".split()
)
_HARMLESS_CAMEL = (
    b"public",
    b"primary",
    b"foreign",
    b"nextpage",
    b"continuation",
    b"partition",
    b"cache",
    b"idempotency",
    b"object",
    b"public key",
    b"public_key",
)
_KEY_WORDS = (b"key", b"token", b"secret")
_OTHER_KEYS = (
    b"monkey",
    b"donkey",
    b"turkey",
    b"jockey",
    b"hockey",
    b"whiskey",
    b"huskey",
    b"jerkey",
    b"lackey",
    b"passkey",
)
_TO_BLANK = bytes(code if chr(code).isalnum() else 32 for code in range(128)) + b" " * 128
_TAIL_STARTS = frozenset(bytes([code]) for code in range(128) if chr(code).isalnum() or chr(code) in "_-")
_TAIL = re.compile(rb"[A-Za-z0-9_-]{0,40}")
_HARMLESS_TAIL = re.compile(
    rb"(?i)^[_-]?(?:s?[_-]?(?:ids?|names?|hash(?:es|ed)?|digest|counts?|limits?|len(?:gth)?|size|type|url|uri"
    rb"|endpoint|path|file(?:name)?|policy|policies"
    rb"|expir\w*|ttl|age|at|version|rotation|manager|arn|ref|refs|selector|status|state|usage|field|label|prefix"
    rb"|suffix|format|alg\w*|fingerprint|strength|min|max|reset"
    rb"|protected|required|enabled|disabled|store|vault|word|words|board|note|stone|frame|chain|value_?pair|pair"
    rb"|space|spaces|code_?id|length_?\w*|bucket|budget|window|per\w*|used|rate|price|cost|index|idx|column|date"
    rb"|time\w*|count\w*|hint|error|errors|kind|class|provider|source|name_?\w*|mount|map|env|var|variable))$"
    rb"|^(?:iz|is)(?:e|er|ed|ing|ation)|^ing\b|^less|^ary\b|^ial|^ions?\b|^ed\b|^ly\b|^or(?:s|ship|ing)?\b|^ent"
    rb"|^ative|^en(?:tic|ate)"
)
# Blanks within a line, and over at most one line's end.
_GAP = rb"[ \t]{0,12}(?:(?:\\n|\\?\r?\n)[ \t>]{0,40})?"
_OPERATOR = re.compile(
    rb"(?:\\*[\"'`\]]|\*\*|__|\)){0,3}[ \t]{0,8}"
    rb"(?:\([^()\n]{1,40}\)[ \t]?)?"
    rb"(?:"
    rb"\\*[\"']?[,;]?"
    + _GAP
    + rb"\\*[\"']?(?:string)?(?:value|val|content|default|defaultvalue)\\*[\"']?[ \t]{0,4}(?::=|=>|[:=])"
    + _GAP
    + rb"|</\w{1,20}>"
    + _GAP
    + rb"<\w{1,20}>"
    rb"|,[ \t]{0,4}(?=\\*[\"'])"
    rb"|,(?=[\w+/.=~-]{16,400}\r?(?:\n|$))"
    rb"|[:=]?[ \t]{0,2}\{[ \t]{0,2}\n?[ \t]{0,8}[\"']?(?:default|value)[\"']?[ \t]{0,2}[:=]"
    + _GAP
    + rb"|\{[ \t]?get;[^{}\n]{0,20}\}[ \t]?="
    + _GAP
    + rb""
    rb"|(?::[ \t]{0,2}&?\w{0,12}[ \t]{0,2}=|:=|=>|->|\xe2\x86\x92|={1,3}|:{1,2}|\xef\xbc\x9a|\||>)(?:[ \t]{0,8}["
    rb"|>]-?(?=\s))?" + _GAP + rb"|(?:-|\xe2\x80\x93|\xe2\x80\x94)[ \t]{1,4}"
    rb")(?:\*\*|__)?[ \t]{0,8}",
    re.IGNORECASE,
)
# What the patterns around here may begin with: most words for secrets are followed by none of it.
_OPERATOR_STARTS = frozenset(bytes([code]) for code in b"\\\"'`]*_)(,;\r\n<:={-|>\xe2\xef")
_FIELD_STARTS = frozenset((b"val", b"con", b"def", b"str"))
_CONNECTOR_STARTS = frozenset(b"*_`\"' ,\t:=")
_CELL_END_STARTS = frozenset(b" \t\"'`*)|,;\r\n")
_BLANKS = b" \t"
_CONNECTOR = re.compile(
    rb"(?:\*\*|__|`|[\"'])?(?:[ ,]{1,2}(?!is\b|was\b"
    rb"|=)(?>[\w'@/()\x80-\xff-]{1,40}(?:\.[\w-]{1,20}){0,5})){0,7}?(?:[ \t]{1,3}(?:is|was|are|to"
    rb"|be|becomes|equals|reads|as|ist|auf|lautet|est|es|era|jest|\xc3[\xa8\xa9])|[ \t]{0,3}[:=])"
    rb"(?:\s(?:now|still|currently|set to|just|simply|changed to|literally|called|probably"
    rb"|actually)){0,2}[ \t]?:?(?:[ \t]{1,4}|\r?\n[ \t]{0,8}(?=\S))(?:\*\*|__)?"
    rb"|[ \t]{1,3}(?=[\"'`(*\[]|\xe2\x80[\x98\x9c])(?:\(|\*\*|\[)?",
    re.IGNORECASE,
)
_NEAR = re.compile(rb"[ \t]{1,3}(?=\S*[0-9!@#$%^&*+=])")
# What stands out less, and is a secret only where it is plainly given as one.
_PLAIN_SECRET = re.compile(rb"[0-9]{4}|[a-z]-[a-z]+-[a-z]")
_SET_LINE = re.compile(rb"(?:^|\n)[ \t]{0,8}(?:ENV|ARG|setx?|SET)[ \t]{1,3}\w{0,40}$")
_LONG_OPTION = re.compile(rb"--?[A-Za-z0-9-]{0,30}$")
_TOLD_BEFORE = re.compile(
    rb"(?:^|[\s\"'`(*])([^\s\"'`(*][^\s\"'`(]{5,79}?)[\"'`*)]{0,3},?[ \t](?:\(|(?:is|as|was|being|=|<-+"
    rb"|\xe2\x86\x90|-+>?)[ \t]"
    rb"|(?:[a-z]+[ \t]){0,2}(?:as|is|for)[ \t])(?:that's[ \t]|this is[ \t])?"
    rb"(?:(?:the|your|my|our|their|his|her|a|new|old|current)[ \t])?(?:[\w'-]{1,20}[ \t]){0,3}[\w-]{0,20}$"
)


def on_password_noun(scene: Scene, end: int) -> None:
    """Look for the value after a word for password."""
    _on_noun(scene, end, judge_password, _PASSWORD_LABEL)


def on_key_noun(scene: Scene, end: int) -> None:
    """Look for the value after a word for key, token or secret."""
    _on_noun(scene, end, judge_key, _KEY_LABEL)


def _on_noun(scene: Scene, end: int, judge: Judge, label: Label) -> None:
    raw = scene.raw
    if end <= scene.secret_end:
        return
    telling = has_odd_letters(raw[end : end + LOOSE_REACH])
    if not telling:
        scene.budget.refund()
    if not telling and judge is judge_key:
        _note_told_before(scene, end, label)
        return
    scene.budget.steps -= 2 * STEP
    stop = end
    if raw[end : end + 1] in _TAIL_STARTS:
        stop = _TAIL.match(raw, end).end()  # type: ignore[union-attr]
        if stop > end and (_HARMLESS_TAIL.match(raw[end:stop]) or raw.startswith(b"---", end)):
            return
    span = _span_after(scene, end, stop, judge, telling=telling)
    if span is None:
        _note_told_before(scene, end, label)
        return
    if _is_harmless(raw, end) or _is_buried(raw, end) or _ARN.search(raw, max(0, end - 90), end):
        return
    scene.budget.steps -= 2 * STEP
    scene.secret_end = span[1]
    scene.add(span[0], span[1], (judge is judge_key and provider_label(raw, *span)) or label)


def _span_after(scene: Scene, end: int, stop: int, judge: Judge, *, telling: bool) -> tuple[int, int] | None:
    raw = scene.raw
    if stop == len(raw):
        return None
    span = _direct(raw, end, stop, judge, telling=telling)
    if span is None and raw[stop] in _CELL_END_STARTS and _CELL_END.match(raw, stop):
        scene.budget.steps -= STEP
        span = in_column(raw, end, judge, scene.budget)
    return loose_word(scene, stop) if span is None and telling else span


# A word that chance spelled inside base64.
_ARN = re.compile(rb"arn:[a-z-]{1,12}:\S{0,80}$")


def _is_buried(raw: bytes, end: int) -> bool:
    before, after = raw[max(0, end - 60) : end], raw[end : end + 60]
    ahead = len(before) - len(before.rstrip(_BASE64_LETTERS))
    behind = len(after) - len(after.lstrip(_BASE64_LETTERS))
    return ahead + behind >= 44 or (
        ahead >= 20 and _DIGIT.search(before, len(before) - 20, len(before) - 7) is not None
    )


_BASE64_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_DIGIT = re.compile(rb"[0-9]")


def _note_told_before(scene: Scene, end: int, label: Label) -> None:
    span = _told_before(scene.raw, end)
    if span is not None:
        scene.budget.steps -= 2 * STEP
    if span is not None and not _is_harmless(scene.raw, end):
        scene.add(span[0], span[1], label)


_CELL_END = re.compile(rb"[ \t\"'`*)]{0,4}[|,;\t\r\n]")


def _is_harmless(raw: bytes, end: int) -> bool:
    """Tell whether the words before say that this key or token is none to keep secret."""
    before = raw[max(0, end - 40) : end].lower()
    if not before.endswith(_KEY_WORDS):
        return False
    noun = next(word for word in _KEY_WORDS if before.endswith(word))
    head = before[: -len(noun)].rstrip(b" _.-")
    words = head.translate(_TO_BLANK).split()
    return (
        (bool(words) and words[-1] in _HARMLESS_HEADS) or head.endswith(_HARMLESS_CAMEL) or before.endswith(_OTHER_KEYS)
    )


def _direct(raw: bytes, end: int, stop: int, judge: Judge, *, telling: bool) -> tuple[int, int] | None:
    following = raw[stop]
    operator = _OPERATOR.match(raw, stop) if _may_assign(raw, stop) else None
    if operator:
        span = value_at(raw, operator.end())
        if span and (judge(raw[span[0] : span[1]]) or provider_label(raw, *span)):
            return span
    if not telling and not _gives_plainly(raw[stop : stop + LOOSE_REACH]):
        return None
    connector = _CONNECTOR.match(raw, stop) if following in _CONNECTOR_STARTS else None
    if connector:
        span = value_at(raw, connector.end())
        if span and (judge(raw[span[0] : span[1]]) or provider_label(raw, *span)):
            return span
    near = _NEAR.match(raw, stop) if following in _BLANKS else None
    if near:
        span = value_at(raw, near.end())
        strict = (
            judge
            if _SET_LINE.search(raw, max(0, end - 60), end) or _LONG_OPTION.search(raw, max(0, end - 40), end)
            else judge_loose
        )
        if span and strict(raw[span[0] : span[1]]):
            return span
    return None


def _may_assign(raw: bytes, stop: int) -> bool:
    """Tell whether what follows begins like an operator or a field for the value: hardly any sentence goes on so."""
    ahead = raw[stop : stop + 24]
    if ahead[0] in _BLANKS:
        ahead = ahead.lstrip(_BLANKS)
    return ahead[:1] in _OPERATOR_STARTS or ahead[:3].lower() in _FIELD_STARTS


def _gives_plainly(following: bytes) -> bool:
    """Tell whether what follows holds four digits or words joined by hyphens; most sentences hold neither."""
    digits = len(following) - len(following.translate(None, b"0123456789"))
    return (digits > 3 or following.count(b"-") > 1) and _PLAIN_SECRET.search(following) is not None


def _told_before(raw: bytes, end: int) -> tuple[int, int] | None:
    """Look for "VALUE is the password"."""
    if raw[end : end + 1] == b"'":
        placed = _SET_BEFORE.search(raw, max(0, end - 320), end)
        return placed.span(1) if placed and judge_password(placed[1]) else None
    begin = end - 140 if end > 140 else 0
    line = raw.rfind(b"\n", begin, end)
    begin = line if line >= 0 else begin
    before = raw[begin:end]
    if len(before) < _LEAST_TOLD or b" " not in before or not _LINK.search(before) or not has_odd_letters(before):
        return None
    noun = _LAST_WORD.search(raw, max(begin, end - 14), end)
    told = _TOLD_BEFORE.search(raw, begin, noun.start()) if noun else None
    if told is None:
        return None
    span = trimmed(raw, *told.span(1))
    return span if span and judge_loose(raw[span[0] : span[1]]) else None


# UPDATE settings SET value = 'VALUE' WHERE name = 'api_key'
_SET_BEFORE = re.compile(
    rb"(?:value|val)[ \t]{0,2}=[ \t]{0,2}'([^'\n]{6,200})'[ \t\n]{1,3}where[ \t]+\w{1,20}[ \t]{0,2}=[ \t]{0,2}'"
    rb"[\w.-]{1,60}$",
    re.IGNORECASE,
)


_LEAST_TOLD = len(b"a1b2c3 is key")
_LINK = re.compile(rb" (?:(?:is|as|was|for|=|being) |\()|<-|->|\xe2\x86\x90")
_LAST_WORD = re.compile(rb"[A-Za-z\x80-\xff]+$")
