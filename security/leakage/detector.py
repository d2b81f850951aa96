"""The detector: one pass over the text, then confirm what was hit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from security.leakage import (
    assignments,
    commands,
    contacts,
    disguises,
    identities,
    national_ids,
    personal,
    providers,
    urls,
    wallets,
)
from security.leakage.engine import SIGNAL_BITS, SIGNAL_MASK, Engine, Expression, open_engine
from security.leakage.file_cache import default_cache_dir
from security.leakage.finding import Candidate, Finding
from security.leakage.resolve import resolve
from security.leakage.rulebook import load_rules
from security.leakage.scene import STEP, UNREAD_LABEL, Budget, Scene
from security.leakage.tenants import Tenant, TenantIndex, build_index
from security.leakage.tokens import prepare
from security.leakage.views import reversed_view, rotated, squeezed

Handler = Callable[[Scene, int], None]

_DETECTIONS: tuple[tuple[Expression, Handler], ...] = (
    (urls.URL_PASSWORD, urls.on_url_password),
    (urls.DSN_PASSWORD, urls.on_dsn_password),
    (urls.PRIVATE_KEY, urls.on_private_key),
    (urls.JWT, urls.on_jwt),
    (contacts.EMAIL, contacts.on_email),
    (contacts.PHONE, contacts.on_phone),
    (contacts.PHONE_NATIONAL, contacts.on_national_phone),
    (contacts.PHONE_WORD, contacts.on_phone_word),
    (personal.CARD, personal.on_card),
    (personal.IBAN, personal.on_iban),
    (personal.SSN, personal.on_ssn),
    (personal.NINO, personal.on_nino),
    (personal.NHS, personal.on_nhs),
    (personal.IPV4, personal.on_ipv4),
    (personal.IPV6, personal.on_ipv6),
    (wallets.BASE58, wallets.on_base58),
    (wallets.BECH32, wallets.on_bech32),
    (wallets.ETHEREUM, wallets.on_ethereum),
    (identities.NAME, identities.on_name),
    (identities.STREET, identities.on_street),
    (assignments.PASSWORD_NOUNS, assignments.on_password_noun),
    (assignments.KEY_NOUNS, assignments.on_key_noun),
    (providers.AWS_KEY_ID, providers.on_aws_key_id),
    (commands.COMMAND, commands.on_command),
    (commands.PAIR, commands.on_pair),
)


class Detector:
    """Find leaks in texts; immutable and safe to share between threads."""

    def __init__(self, *, tenants: Iterable[Tenant] = (), cache_dir: Path | None = None, engine: str = "") -> None:
        """Compile the rules, or load them compiled from `cache_dir` (A2A_CACHE_DIR, or the user's cache directory)."""
        rules = [prepare(rule) for rule in load_rules() if not rule.keywords]
        table: list[tuple[Expression, Handler]] = [(rule.trigger, rule.confirm) for rule in rules]
        table.extend(_DETECTIONS)
        table.extend(national_ids.detections())
        table.extend(disguises.DETECTIONS)
        prefixes = sorted({rule.prefix for rule in rules if rule.prefix})
        backwards, turned = disguises.region_handler(reversed_view), disguises.region_handler(rotated)
        table.extend((disguises.backwards_prefix(prefix), backwards) for prefix in prefixes)
        table.extend((disguises.rotated_prefix(prefix), turned) for prefix in prefixes)
        pushed = disguises.region_handler(squeezed, reach=256)
        table.extend((cut, pushed) for prefix in prefixes for cut in disguises.cut_prefix(prefix))
        self._handlers: tuple[Handler, ...] = tuple(handler for _, handler in table)
        expressions = [expression for expression, _ in table]
        self._engine: Engine = open_engine(expressions, cache_dir=cache_dir or default_cache_dir(), name=engine)
        self._index: TenantIndex = build_index(tenants)

    def with_tenants(self, *, put: Iterable[Tenant] = (), removed: Iterable[str] = ()) -> Detector:
        """Return a detector that shares the compiled rules and knows of these changes of customers."""
        return self._with_index(self._index.updated(put=put, removed=removed))

    def with_key(self, key: bytes) -> Detector:
        """Return a detector that knows registered values by the digests that this key makes."""
        return self._with_index(self._index.with_key(key))

    def _with_index(self, index: TenantIndex) -> Detector:
        changed = object.__new__(Detector)
        changed._handlers = self._handlers
        changed._engine = self._engine
        changed._index = index
        return changed

    def scan(self, text: str, customer_id: str = "") -> list[Finding]:
        """Return the leaks in `text`, sorted by place; what belongs to `customer_id` itself is none.

        Never raises for any text. Work is bounded, so that 1 MB takes under 100 ms.
        """
        # Half a surrogate pair is no letter: as a question mark it keeps its place, and floods of them cost nothing.
        raw = text.encode("utf-8", "replace")
        candidates = self._collect(raw, customer_id, depth=0, budget=Budget.for_bytes(len(raw)))
        if not candidates:
            return []
        return resolve(candidates, raw, is_plain=len(raw) == len(text))

    def _collect(self, raw: bytes, customer_id: str, *, depth: int, budget: Budget) -> list[Candidate]:
        def scan_deeper(other: bytes, deeper: int, budget: Budget) -> list[Candidate]:
            return self._collect(other, customer_id, depth=deeper, budget=budget)

        scene = Scene(raw=raw, depth=depth, budget=budget, scan_deeper=scan_deeper)
        handlers = self._handlers
        for hit in self._engine.scan(raw, budget.steps + 1):
            if budget.steps <= 0:
                scene.add(min(hit >> SIGNAL_BITS, len(raw) - 1), len(raw), UNREAD_LABEL)
                break
            budget.steps -= STEP
            handlers[hit & SIGNAL_MASK](scene, hit >> SIGNAL_BITS)
        if scene.regions:
            scene.read_regions()
        if self._index.tenants:
            scene.found.extend(self._index.find(raw, customer_id, limit=500 + len(raw) // 1000))
        return scene.found
