"""Tell a customer's own hostname from one that only looks like it: acme-corp.com from acme-corp.community."""

from __future__ import annotations

import re

from security.leakage.validators.top_level_domains import TOP_LEVEL_DOMAINS

# Ends of hostnames that nobody sends mail from, but that look-alikes are registered under.
_MORE_ENDS = frozenset(
    b"academy agency bank bar blog business buzz capital care cash center chat city cloud club coach codes community"
    b" company consulting design digital direct directory energy engineering enterprises estate events exchange expert"
    b" express farm finance financial fit fund fyi gallery games global group guide guru health holdings host house"
    b" industries institute international investments land legal life live loans ltd management market marketing media"
    b" money network news one online ooo partners parts photos pizza plus press pro productions properties pub rent"
    b" repair report rest reviews rocks run sale school services shop show site social software solutions space store"
    b" studio style supplies support systems team tech technology tips today tools top tours town toys trade training"
    b" ventures vip vision watch website wiki works world wtf xyz zone".split()
)
# Countries and trades that files are named after too.
_FILE_ENDS = frozenset(b"md mov pl ps py rs sh so zip".split())
_ENDS = (TOP_LEVEL_DOMAINS | _MORE_ENDS) - _FILE_ENDS
# .com, .co.uk
_END = re.compile(rb"(?:\.[A-Za-z]{2,24}){1,3}(?![\w-]|\.\w|\()")


def is_host_label(raw: bytes, first: int, last: int) -> bool:
    """Tell whether the text from `first` to `last` ends the name of a host right before its top-level domain."""
    end = _END.match(raw, last)
    if end is None or not (end[0].islower() or raw[first:last].isupper()):
        return False
    return _ENDS.issuperset(end[0][1:].lower().split(b"."))


def is_within_host(raw: bytes, first: int, last: int) -> bool:
    """Tell whether a domain from `first` to `last` is only a part of another: not-acme.com, acme.com.mx."""
    longer = raw[first - 1 : first] == b"-" and raw[max(0, first - 2) : first - 1].isalnum()
    return longer or is_host_label(raw, first, last)
