"""Random values for tests, filled in at run time so that no file holds anything like a live secret."""

from __future__ import annotations

import random
import re
import string

_BLANK = re.compile(r"<([^<>]+):(\d+)>")


def fill(template: str, seed: int = 0) -> str:
    """Return `template` with each `<class:n>` replaced by n random letters of the class, as in `<A-Za-z0-9:36>`."""
    source = random.Random(f"{template}{seed}")
    return _BLANK.sub(lambda blank: "".join(source.choices(letters_of(blank[1]), k=int(blank[2]))), template)


def letters_of(charset: str) -> str:
    """Return the letters of a class without its brackets."""
    allowed = re.compile(f"[{charset}]")
    return "".join(
        letter for letter in string.ascii_letters + string.digits + string.punctuation + " " if allowed.match(letter)
    )
