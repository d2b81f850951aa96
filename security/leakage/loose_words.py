"""Find the secret among the words that follow a word for it, by its letters alone."""

from __future__ import annotations

import re

from security.leakage.given_values import trimmed
from security.leakage.odd_letters import odd_places
from security.leakage.scene import Scene
from security.leakage.secret_shape import judge_loose

# How many bytes after the word for it are looked through.
LOOSE_REACH = 110
_LOOSE = re.compile(
    rb"(?<![^\s\"'`(\[*>|])(?=[^\s0-9!@#$%^&*+=?~]{0,40}[0-9!@#$%^&*+=?~])[A-Za-z0-9!@#$%^&*+=?~_.:/-]{7,200}"
)
_TO_HEADS = bytes(32 if code in b" \t\n\r\x0b\x0c\"'`([*>|" else code for code in range(256))
_NAMED = re.compile(rb"[A-Za-z_][\w.-]{1,30}=|[a-z]+\d+[a-z]?_[a-z]+")
# A hash is a secret only where it is held out as one.
_HEX_KEY = re.compile(rb"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$")
_PRESENTED = re.compile(rb"^[^\n.;]{0,40}(?:[ \t][-\xe2\x80\x93]+[ \t]|--[a-z-]{2,20}[ =][\"']?)$")


def loose_word(scene: Scene, stop: int) -> tuple[int, int] | None:
    """Return the first word within reach that stands out by its letters alone."""
    raw, plain_words = scene.raw, scene.plain_words
    stretch = raw[stop : stop + LOOSE_REACH]
    paragraph = stretch.find(b"\n\n")
    stretch = stretch if paragraph < 0 else stretch[:paragraph]
    heads = stretch.translate(_TO_HEADS)
    sought = 0
    for place in odd_places(stretch):
        if place < sought:
            continue
        start = stop + heads.rfind(b" ", 0, place) + 1
        known = plain_words.get(start)
        if known is not None:
            sought = known - stop
            continue
        scene.budget.steps -= 1
        word = _LOOSE.match(raw, start, stop + place + 200)
        if word is None:
            # From the same beginning no later place will do.
            following = heads.find(b" ", place)
            sought = following if following >= 0 else len(heads)
            continue
        sought = word.end() - stop
        span = trimmed(raw, word.start(), word.end())
        if span is not None and not _NAMED.match(raw, span[0]):
            value = raw[span[0] : span[1]]
            if judge_loose(value):
                return span
            if _HEX_KEY.match(value):
                if _PRESENTED.search(raw, stop, span[0]):
                    return span
                continue
        plain_words[start] = word.end()
    return None
