"""Find what belongs to another customer: names, aliases, domains, identifiers, canary tokens."""

from __future__ import annotations

import itertools
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import ahocorasick_rs

from security.leakage.everyday_names import is_everyday, other_spellings, stands_as_name
from security.leakage.finding import Candidate, DetectionType, Label, Severity
from security.leakage.registered import find_registered
from security.leakage.views import View, plain_letter, substituted

# Between the parts of a name these may stand, or nothing: "Acme Corp", "acme-corp", "ACME_CORP", "AcmeCorp".
_SEPARATORS = b" \t\r\n-_.*`~|\\\"'+"
_FOLD = bytes(range(256)).lower()
_WIDE = re.compile(rb"[\x80-\xff]+")
_LONGEST_LEARNT = 12
_KEPT = bytes(0 if code in _SEPARATORS else 1 for code in range(256))
_WORD = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_GAP = re.compile(rb"^(?:[ \t]{0,3}[-_.*`~|\\\"'+]{0,4}[ \t]{0,3}|[ \t*`_-]{0,4}\r?\n[ \t>*|-]{0,8})$")
_SENTENCE = re.compile(rb"[.\"'|+]\s|\s[.\"'|+]|\n\s*\n")
_LEAST_LETTERS = 3
# A DFA reads twice as fast, and takes some 200 bytes for each letter of its terms.
_MOST_DFA_LETTERS = 20_000
_REBUILD_AFTER = 2000
_LONGEST_TERM = 200
_STRETCH = 16_384
# Every word of a text is hashed up to four times: longer texts are looked through only so far.
_REGISTERED_REACH = 16_384
_NOBODY: frozenset[str] = frozenset()

NAME_LABEL = Label(DetectionType.TENANT, "tenant_name", Severity.HIGH, 0.95, 40)
# A customer named after an everyday word: it counts where it stands as a name, and is for information elsewhere.
EVERYDAY_LABEL = Label(DetectionType.TENANT, "tenant_name", Severity.HIGH, 0.8, 38)
EVERYDAY_WORD_LABEL = Label(DetectionType.TENANT, "tenant_name", Severity.INFO, 0.2, 37)
DOMAIN_LABEL = Label(DetectionType.TENANT, "tenant_domain", Severity.HIGH, 0.97, 41)
IDENTIFIER_LABEL = Label(DetectionType.TENANT, "tenant_identifier", Severity.CRITICAL, 0.99, 42)
# A customer's id may be a word of the language: it counts where it is used as an id.
ID_WORD_LABEL = Label(DetectionType.TENANT, "tenant_identifier", Severity.CRITICAL, 0.9, 39)
CANARY_LABEL = Label(DetectionType.TENANT, "tenant_canary", Severity.CRITICAL, 1.0, 43)


@dataclass(frozen=True, slots=True)
class Tenant:
    """What may betray one customer in a text."""

    customer_id: str
    name: str
    aliases: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    canaries: tuple[str, ...] = ()
    # Digests, made by `registered_digest`, of values that the customer declared its own.
    registered: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True)
class _Term:
    customer_id: str
    label: Label
    # The lengths of the parts between which separators may stand.
    cuts: frozenset[int]


# The first and the last letter in the folded text, and what was found there.
_Match = tuple[int, int, _Term]


@dataclass(frozen=True, slots=True)
class _Automaton:
    machine: ahocorasick_rs.BytesAhoCorasick
    terms: tuple[_Term, ...]


@dataclass(frozen=True, slots=True)
class TenantIndex:
    """All customers' terms, in one large automaton and a small one of what changed since it was built."""

    tenants: Mapping[str, Tenant]
    main: _Automaton | None
    recent: _Automaton | None = None
    changed: frozenset[str] = frozenset()
    owners: Mapping[bytes, frozenset[str]] = field(default_factory=dict)

    def updated(self, *, put: Iterable[Tenant] = (), removed: Iterable[str] = ()) -> TenantIndex:
        """Return the index after some customers came, changed or left."""
        gone = set(removed)
        tenants = {key: tenant for key, tenant in self.tenants.items() if key not in gone}
        replaced = {tenant.customer_id: tenant for tenant in put}
        tenants.update(replaced)
        changed = self.changed | gone | replaced.keys()
        if len(changed) > _REBUILD_AFTER:
            return build_index(tenants.values())
        recent = _build(tenants[key] for key in sorted(changed) if key in tenants)
        return TenantIndex(
            tenants=tenants, main=self.main, recent=recent, changed=changed, owners=_owners(tenants.values())
        )

    def find(self, raw: bytes, customer_id: str, *, limit: int) -> list[Candidate]:
        """Return what `raw` holds of customers other than `customer_id`, among the first `limit` places."""
        if raw.isascii():
            candidates = self._find(raw, customer_id, limit)
        else:
            candidates = self._find_disguised(raw, customer_id, limit)
        if self.owners:
            candidates.extend(find_registered(raw[:_REGISTERED_REACH], self.owners, customer_id))
        return candidates

    def _find_disguised(self, raw: bytes, customer_id: str, limit: int) -> list[Candidate]:
        """Look in the text as it reads without marks, look-alikes and case; work out the places only where it pays."""
        blocks = list(_plain_blocks(raw))
        found = self._find(b"".join(block.plain for block in blocks), customer_id, limit)
        return _in_source(blocks, found) if found else found

    def _find(self, raw: bytes, customer_id: str, limit: int) -> list[Candidate]:
        folded = raw.translate(_FOLD, _SEPARATORS)
        matches: list[_Match] = []
        for start in range(0, len(folded), _STRETCH):
            self._match(folded[start : start + _STRETCH + _LONGEST_TERM], start, matches)
            if len(matches) > limit * 4:
                break
        return _confirm(raw, matches, customer_id, limit) if matches else []

    def _match(self, stretch: bytes, offset: int, matches: list[_Match]) -> None:
        for automaton, skipped in ((self.main, self.changed), (self.recent, _NOBODY)):
            if automaton is None:
                continue
            for index, start, end in automaton.machine.find_matches_as_indexes(stretch, overlapping=True):
                term = automaton.terms[index]
                if start < _STRETCH and term.customer_id not in skipped:
                    matches.append((offset + start, offset + end, term))


class _Caseless(dict[int, str]):
    """What a character reads as where neither case, accents nor look-alikes count; learnt one at a time."""

    def __missing__(self, code: int) -> str:
        self[code] = plain = plain_letter(chr(code).casefold())
        return plain


class _Runs(dict[bytes, bytes]):
    """The readings of short runs of wide characters; longer ones are worked out each time."""

    def __missing__(self, run: bytes) -> bytes:
        # A text read backwards is no UTF-8 at all.
        plain = run.decode("utf-8", "surrogateescape").translate(_CASELESS).encode("utf-8", "surrogateescape")
        if len(run) <= _LONGEST_LEARNT and len(self) < _MOST_LEARNT:
            self[run] = plain
        return plain


_MOST_LEARNT = 20_000
_CASELESS = _Caseless()
_RUNS = _Runs()


@dataclass(frozen=True, slots=True)
class _TextBlock:
    """A stretch of the text from `start` on, and how it reads."""

    start: int
    source: bytes
    plain: bytes


def _in_source(blocks: list[_TextBlock], found: list[Candidate]) -> list[Candidate]:
    begins = [0, *itertools.accumulate(len(block.plain) for block in blocks)]

    def place(offset: int) -> tuple[int, int]:
        index = bisect_right(begins, offset) - 1
        block, inside = blocks[index], offset - begins[index]
        if block.plain is block.source:
            return block.start + inside, block.start + inside + 1
        if index not in views:
            views[index] = substituted(block.source, _WIDE, _caseless)
        first, last = views[index].source_span(inside, inside + 1)
        return block.start + first, block.start + last

    views: dict[int, View] = {}
    return [(place(start)[0], place(end - 1)[1], label) for start, end, label in found]


def _plain_blocks(raw: bytes) -> Iterable[_TextBlock]:
    """Read the text block by block: most blocks of most texts are plain ASCII and stay as they are."""
    start = 0
    while start < len(raw):
        end = start + _BLOCK
        if raw[start : start + 8 * _BLOCK].isascii():
            end = start + 8 * _BLOCK
        while end < len(raw) and raw[end] & 0xC0 == 0x80:
            end += 1
        block = raw[start:end]
        yield _TextBlock(start, block, block if block.isascii() else _WIDE.sub(_plain_run, block))
        start = end


def _plain_run(run: re.Match[bytes]) -> bytes:
    return _RUNS[run[0]]


def _caseless(run: bytes) -> bytes:
    return _RUNS[run]


def build_index(tenants: Iterable[Tenant]) -> TenantIndex:
    """Return the index of these customers."""
    known = {tenant.customer_id: tenant for tenant in tenants}
    return TenantIndex(tenants=known, main=_build(known.values()), owners=_owners(known.values()))


def _owners(tenants: Iterable[Tenant]) -> dict[bytes, frozenset[str]]:
    owners: dict[bytes, frozenset[str]] = {}
    for tenant in tenants:
        for digest in tenant.registered:
            owners[digest] = owners.get(digest, frozenset()) | {tenant.customer_id}
    return owners


def _build(tenants: Iterable[Tenant]) -> _Automaton | None:
    patterns: list[bytes] = []
    terms: list[_Term] = []
    for tenant in tenants:
        for text, label in _texts(tenant):
            pattern, cuts = _folded(text)
            if len(pattern) >= _LEAST_LETTERS:
                patterns.append(pattern)
                terms.append(_Term(tenant.customer_id, label, cuts))
    if not patterns:
        return None
    small = sum(map(len, patterns)) <= _MOST_DFA_LETTERS
    kind = ahocorasick_rs.Implementation.DFA if small else ahocorasick_rs.Implementation.ContiguousNFA
    machine = ahocorasick_rs.BytesAhoCorasick(patterns, implementation=kind)
    return _Automaton(machine, tuple(terms))


def _texts(tenant: Tenant) -> Iterable[tuple[str, Label]]:
    names = dict.fromkeys(
        spelling for name in (tenant.name, *tenant.aliases) for spelling in (name, *other_spellings(name))
    )
    return itertools.chain(
        ((text, EVERYDAY_LABEL if is_everyday(text) else NAME_LABEL) for text in names),
        ((text, DOMAIN_LABEL) for text in tenant.domains),
        ((text, IDENTIFIER_LABEL) for text in tenant.identifiers),
        ((text, ID_WORD_LABEL if text.isalpha() else IDENTIFIER_LABEL) for text in (tenant.customer_id,)),
        ((text, CANARY_LABEL) for text in tenant.canaries),
    )


def _folded(text: str) -> tuple[bytes, frozenset[int]]:
    """Return the letters to look for, and after how many of them the term itself has a separator or a new capital."""
    raw = _WIDE.sub(_plain_run, unicodedata.normalize("NFKC", text).encode())
    cuts = set()
    length = 0
    for index, code in enumerate(raw):
        if code in _SEPARATORS:
            cuts.add(length)
            continue
        if index and 65 <= code <= 90 and 97 <= raw[index - 1] <= 122:
            cuts.add(length)
        length += 1
    return raw.translate(_FOLD, _SEPARATORS), frozenset(cuts)


def _confirm(raw: bytes, matches: list[_Match], customer_id: str, limit: int) -> list[Candidate]:
    foreign = [match for match in matches if match[2].customer_id != customer_id][:limit]
    if not foreign:
        return []
    own = (
        sorted((match for match in matches if match[2].customer_id == customer_id), key=lambda match: match[:2])
        if len(matches) > len(foreign)
        else []
    )
    places = _Places(raw)
    return [
        found
        for match in foreign
        if (found := _candidate(raw, places, match)) and not _inside_own(raw, places, match, own)
    ]


def _candidate(raw: bytes, places: _Places, match: _Match) -> Candidate | None:
    start, end, term = match
    letters = places.span(start, end)
    first, last = letters[0], letters[-1] + 1
    if not _stands_alone(raw, first, last) or not _spelled(raw, letters, term):
        return None
    if term.label is ID_WORD_LABEL and not _used_as_id(raw, first, last):
        return None
    if term.label is EVERYDAY_LABEL and not _used_as_id(raw, first, last) and not stands_as_name(raw, first, last):
        return first, last, EVERYDAY_WORD_LABEL
    return first, last, term.label


def _inside_own(raw: bytes, places: _Places, match: _Match, own: list[_Match]) -> bool:
    """Tell whether the match is a part of the reader's own name, as "Acme" is of "Acme Labs"."""
    start, end, _ = match
    index = bisect_right(own, start, key=lambda known: known[0]) - 1
    while index >= 0 and own[index][0] > start - _LONGEST_TERM:
        if own[index][1] >= end and _candidate(raw, places, own[index]):
            return True
        index -= 1
    return False


_ID_BEFORE = re.compile(
    rb"(?i)(?:[=/@\"'`#:]|(?:customer|tenant|client|account|org\w*|company|workspace)(?:[ _-]?id)?[ :=]{0,3})[\"']?$"
)


def _used_as_id(raw: bytes, first: int, last: int) -> bool:
    """Tell whether a word stands as a value, in a path or after a word for customer, and as one piece."""
    whole = raw[first:last].isalnum()
    return (
        whole and _ID_BEFORE.search(raw, max(0, first - 30), first) is not None and not raw[last : last + 1].isspace()
    )


def _stands_alone(raw: bytes, first: int, last: int) -> bool:
    return not _ends_in_letter(raw, first) and not _begins_with_letter(raw, last)


def _ends_in_letter(raw: bytes, end: int) -> bool:
    if end == 0 or raw[end - 1] < 0x80:
        return end > 0 and raw[end - 1] in _WORD
    start = end - 1
    while start > end - 4 and start > 0 and raw[start] & 0xC0 == 0x80:
        start -= 1
    return _is_letter(raw[start:end])


def _begins_with_letter(raw: bytes, start: int) -> bool:
    if start >= len(raw) or raw[start] < 0x80:
        return start < len(raw) and raw[start] in _WORD
    end = start + 1
    while end < start + 4 and end < len(raw) and raw[end] & 0xC0 == 0x80:
        end += 1
    return _is_letter(raw[start:end])


def _is_letter(encoded: bytes) -> bool:
    """Tell whether a word goes on with this character; scripts without spaces between words never do."""
    character = encoded.decode("utf-8", "replace")
    return character.isalnum() and character < "\u2e80"


def _spelled(raw: bytes, letters: list[int], term: _Term) -> bool:
    """Tell whether the separators stand where the term has a seam, or after every single letter."""
    if letters[-1] - letters[0] == len(letters) - 1:
        return True
    seams = 0
    for index in range(1, len(letters)):
        if letters[index] == letters[index - 1] + 1:
            continue
        gap = raw[letters[index - 1] + 1 : letters[index]]
        if _SENTENCE.search(gap) or not _GAP.match(gap):
            return False
        seams += index not in term.cuts
    return seams == 0 or seams >= len(letters) - 1 - len(term.cuts)


class _Places:
    """Where the letters that folding keeps stand in the text, worked out block by block as it is asked for."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._blocks: dict[int, list[int]] = {}
        kept = (len(raw[start : start + _BLOCK].translate(None, _SEPARATORS)) for start in range(0, len(raw), _BLOCK))
        self._before = [0, *itertools.accumulate(kept)]

    def span(self, start: int, end: int) -> list[int]:
        """Return the places of the kept letters from number `start` to number `end`."""
        block = bisect_right(self._before, start) - 1
        offset = self._before[block]
        letters = list(self._block(block))
        while len(letters) < end - offset:
            block += 1
            letters += self._block(block)
        return letters[start - offset : end - offset]

    def _block(self, block: int) -> list[int]:
        if block not in self._blocks:
            first = block * _BLOCK
            stretch = self._raw[first : first + _BLOCK]
            self._blocks[block] = list(itertools.compress(range(first, first + len(stretch)), stretch.translate(_KEPT)))
        return self._blocks[block]


_BLOCK = 1024
