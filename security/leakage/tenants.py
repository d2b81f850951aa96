"""Find what belongs to another customer: names, aliases, domains, identifiers, canary tokens."""

from __future__ import annotations

import itertools
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import ahocorasick_rs

from security.leakage.everyday_names import is_everyday, other_spellings, stands_as_name
from security.leakage.finding import Candidate, DetectionType, Label, Severity
from security.leakage.hostnames import is_host_label, is_within_host
from security.leakage.registered import RegisteredValues
from security.leakage.tenant_places import SEPARATORS, STRETCH, Places
from security.leakage.tenant_text import WIDE, in_source, plain_run, plain_text

_FOLD = bytes(range(256)).lower()
_WORD = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_GAP = re.compile(rb"^(?:[ \t]{0,3}[-_.*`~|\\\"'+]{0,4}[ \t]{0,3}|[ \t*`_-]{0,4}\r?\n[ \t>*|-]{0,8})$")
_SENTENCE = re.compile(rb"[.\"'|+]\s|\s[.\"'|+]|\n\s*\n")
_LEAST_LETTERS = 3
# A DFA reads twice as fast, and takes some 200 bytes for each letter of its terms.
_MOST_DFA_LETTERS = 60_000
_LONGEST_TERM = 200
# How many times larger than what follows it an automaton must be to be left as it is.
_GROWTH = 8
_CUTS: dict[frozenset[int], frozenset[int]] = {}

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
    tenant: Tenant
    label: Label
    # The lengths of the parts between which separators may stand.
    cuts: frozenset[int]

    @property
    def customer_id(self) -> str:
        """Return whose term it is."""
        return self.tenant.customer_id


# The first and the last letter in the folded text, and what was found there.
_Match = tuple[int, int, _Term]


@dataclass(frozen=True, slots=True)
class _Automaton:
    machine: ahocorasick_rs.BytesAhoCorasick
    terms: tuple[_Term, ...]
    customers: frozenset[str]


@dataclass(frozen=True, slots=True)
class TenantIndex:
    """All customers' terms, in a few automata: the newest, and smallest, holds the latest changes.

    A change makes the newest anew, with all those before it that are not much larger. So each customer is built again a
    few times in all, and a change costs no more than what changed lately. The terms of a customer that has changed
    since stay where they were and count no more.
    """

    tenants: Mapping[str, Tenant]
    automata: tuple[_Automaton, ...] = ()
    registered: RegisteredValues = field(default_factory=RegisteredValues)

    def updated(self, *, put: Iterable[Tenant] = (), removed: Iterable[str] = ()) -> TenantIndex:
        """Return the index after some customers came, changed or left."""
        replaced = {tenant.customer_id: tenant for tenant in put}
        changed = set(removed) | replaced.keys()
        if not changed:
            return self
        tenants = {**self.tenants, **replaced}
        for customer_id in changed - replaced.keys():
            tenants.pop(customer_id, None)
        return TenantIndex(
            tenants=tenants,
            automata=_levels(self.automata, changed, tenants),
            registered=self._registered(replaced.values(), changed),
        )

    def with_key(self, key: bytes) -> TenantIndex:
        """Return the index that compares registered values under this key."""
        return TenantIndex(self.tenants, self.automata, RegisteredValues(key).changed(gone=(), come=self._digests()))

    def _digests(self) -> Iterable[tuple[str, bytes]]:
        return ((each.customer_id, digest) for each in self.tenants.values() for digest in each.registered)

    def _registered(self, put: Iterable[Tenant], changed: Iterable[str]) -> RegisteredValues:
        before = [self.tenants[key] for key in changed if key in self.tenants]
        gone = [(each.customer_id, digest) for each in before for digest in each.registered]
        come = [(each.customer_id, digest) for each in put for digest in each.registered]
        if sorted(gone) == sorted(come):
            return self.registered
        return self.registered.changed(gone=gone, come=come)

    def find(self, raw: bytes, customer_id: str, *, limit: int) -> list[Candidate]:
        """Return what `raw` holds of customers other than `customer_id`, among the first `limit` places."""
        if raw.isascii():
            candidates = self._find(raw, customer_id, limit)
        else:
            candidates = self._find_disguised(raw, customer_id, limit)
        if self.registered.owners:
            candidates.extend(self.registered.find(raw, customer_id))
        return candidates

    def _find_disguised(self, raw: bytes, customer_id: str, limit: int) -> list[Candidate]:
        """Look in the text as it reads without marks, look-alikes and case; work out the places only where it pays."""
        plain, changes = plain_text(raw)
        found = self._find(plain, customer_id, limit)
        return in_source(raw, changes, found) if found else found

    def _find(self, raw: bytes, customer_id: str, limit: int) -> list[Candidate]:
        matches: list[_Match] = []
        begins = [0]
        folded = raw[:STRETCH].translate(_FOLD, SEPARATORS)
        for start in range(STRETCH, len(raw) + STRETCH, STRETCH):
            following = raw[start : start + STRETCH].translate(_FOLD, SEPARATORS)
            self._match(folded + following[:_LONGEST_TERM], len(folded), begins[-1], matches)
            if len(matches) > limit * 4:
                break
            begins.append(begins[-1] + len(folded))
            folded = following
        return _confirm(Places(raw, begins), matches, customer_id, limit) if matches else []

    def _match(self, stretch: bytes, own: int, offset: int, matches: list[_Match]) -> None:
        """Note what begins in the first `own` letters."""
        tenants = self.tenants
        for automaton in self.automata:
            for index, start, end in automaton.machine.find_matches_as_indexes(stretch, overlapping=True):
                term = automaton.terms[index]
                if start < own and tenants.get(term.customer_id) is term.tenant:
                    matches.append((offset + start, offset + end, term))


def build_index(tenants: Iterable[Tenant]) -> TenantIndex:
    """Return the index of these customers."""
    return TenantIndex({}).updated(put=tenants)


def _levels(before: tuple[_Automaton, ...], changed: set[str], tenants: Mapping[str, Tenant]) -> tuple[_Automaton, ...]:
    """Return the automata, the largest first, after these customers changed."""
    kept = list(before)
    fresh = set(changed)
    while kept and len(kept[-1].customers) < _GROWTH * len(fresh):
        fresh |= kept.pop().customers
    newest = _build(tenants[key] for key in sorted(fresh) if key in tenants)
    return (*kept, newest) if newest else tuple(kept)


def _build(tenants: Iterable[Tenant]) -> _Automaton | None:
    patterns: list[bytes] = []
    terms: list[_Term] = []
    customers: set[str] = set()
    for tenant in tenants:
        customers.add(tenant.customer_id)
        for text, label in _texts(tenant):
            pattern, cuts = _folded(text)
            if len(pattern) >= _LEAST_LETTERS:
                patterns.append(pattern)
                terms.append(_Term(tenant, label, cuts))
    if not patterns:
        return None
    small = sum(map(len, patterns)) <= _MOST_DFA_LETTERS
    kind = ahocorasick_rs.Implementation.DFA if small else ahocorasick_rs.Implementation.ContiguousNFA
    machine = ahocorasick_rs.BytesAhoCorasick(patterns, implementation=kind)
    return _Automaton(machine, tuple(terms), frozenset(customers))


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
    raw = WIDE.sub(plain_run, unicodedata.normalize("NFKC", text).encode())
    cuts = set()
    length = 0
    for index, code in enumerate(raw):
        if code in SEPARATORS:
            cuts.add(length)
            continue
        if index and 65 <= code <= 90 and 97 <= raw[index - 1] <= 122:
            cuts.add(length)
        length += 1
    seams = frozenset(cuts)
    # There are few different ones: a hundred thousand customers share them.
    return raw.translate(_FOLD, SEPARATORS), _CUTS.setdefault(seams, seams)


def _confirm(places: Places, matches: list[_Match], customer_id: str, limit: int) -> list[Candidate]:
    foreign = [match for match in matches if match[2].customer_id != customer_id][:limit]
    if not foreign:
        return []
    own = (
        sorted((match for match in matches if match[2].customer_id == customer_id), key=lambda match: match[:2])
        if len(matches) > len(foreign)
        else []
    )
    return [found for match in foreign if (found := _candidate(places, match)) and not _inside_own(places, match, own)]


def _candidate(places: Places, match: _Match) -> Candidate | None:
    raw = places.raw
    start, end, term = match
    letters = places.span(start, end)
    first, last = letters[0], letters[-1] + 1
    if not _stands_alone(raw, first, last) or not _spelled(raw, letters, term):
        return None
    if _is_another_host(raw, first, last, term):
        return None
    if term.label is ID_WORD_LABEL and not _used_as_id(raw, first, last):
        return None
    if term.label is EVERYDAY_LABEL and not _used_as_id(raw, first, last) and not stands_as_name(raw, first, last):
        return first, last, EVERYDAY_WORD_LABEL
    return first, last, term.label


def _is_another_host(raw: bytes, first: int, last: int, term: _Term) -> bool:
    """Tell whether the term is part of a hostname that is not the customer's; of one without domains any may be."""
    if term.label is DOMAIN_LABEL:
        return is_within_host(raw, first, last)
    return term.label is not CANARY_LABEL and bool(term.tenant.domains) and is_host_label(raw, first, last)


def _inside_own(places: Places, match: _Match, own: list[_Match]) -> bool:
    """Tell whether the match is a part of the reader's own name, as "Acme" is of "Acme Labs"."""
    start, end, _ = match
    index = bisect_right(own, start, key=lambda known: known[0]) - 1
    while index >= 0 and own[index][0] > start - _LONGEST_TERM:
        if own[index][1] >= end and _candidate(places, own[index]):
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


def _spelled(raw: bytes, letters: Sequence[int], term: _Term) -> bool:
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
