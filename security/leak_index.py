"""The leak detector with all customers in it: one for each process, which follows their changes."""

import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence

from security.fingerprints import fingerprint_key, key_id
from security.leak_models import Canary, RegisteredValue
from security.leakage import Detector, Tenant
from security.models import Customer
from security.rows import platform_rows
from security.tenant_changes import Version, changed_since, read_version

# How many customers are read at a time: as many as a statement takes parameters on every database.
_BATCH = 900
# More changes than this are read with all the others.
_FEW = 5000


class LeakIndex:
    """Holds the detector that the process scans with. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: Detector | None = None
        self._detector: Detector | None = None
        self._seen: Version | None = None

    @property
    def detector(self) -> Detector:
        """Return the detector as of the last ``refresh``."""
        return self._detector or self.refresh()

    def load_rules(self) -> None:
        """Load the rules, which are nobody's. Before a fork, so that every process need not do it by itself."""
        with self._lock:
            self._rules = self._rules or Detector()

    @platform_rows()
    def refresh(self) -> Detector:
        """Return the detector with every customer that is committed now. One short statement where nothing changed."""
        with self._lock:
            version = read_version()
            if self._detector is None or self._seen is None or not _goes_on(self._seen, version):
                self._detector = self._compiled().with_tenants(put=read_tenants())
            elif version.pending or version.number != self._seen.number:
                self._detector = self._followed(self._detector, self._seen.number)
            self._seen = version
            return self._detector

    def forget(self) -> None:
        """Forget the customers, as at the start of the process."""
        with self._lock:
            self._detector = self._seen = None

    def _compiled(self) -> Detector:
        if self._rules is None:
            self._rules = Detector()
        return self._rules.with_key(fingerprint_key())

    def _followed(self, detector: Detector, number: int) -> Detector:
        changed = changed_since(number)
        if len(changed) > _FEW:
            return self._compiled().with_tenants(put=read_tenants())
        put = [
            tenant
            for start in range(0, len(changed), _BATCH)
            for tenant in read_tenants(changed[start : start + _BATCH])
        ]
        return detector.with_tenants(put=put, removed=set(changed) - {tenant.customer_id for tenant in put})


def _goes_on(seen: Version, version: Version) -> bool:
    """Tell whether what changed since is all there is to read: not after a restored backup or a change taken back."""
    return version.epoch == seen.epoch and version.number >= seen.number and not seen.pending


def read_tenants(ids: Sequence[str] | None = None) -> list[Tenant]:
    """Return these customers, or all, by what they may be recognised by."""
    customers, canaries = Customer.objects.order_by("id"), Canary.objects.order_by()
    values = RegisteredValue.objects.order_by().filter(key_id=key_id())
    if ids is not None:
        customers, canaries = customers.filter(id__in=ids), canaries.filter(customer_id__in=ids)
        values = values.filter(customer_id__in=ids)
    tokens = _by_customer(canaries.values_list("customer_id", "token").iterator())
    digests = _by_customer(values.values_list("customer_id", "digest").iterator())
    columns = ("id", "name", "aliases", "domains", "identifiers")
    return [
        Tenant(
            customer_id=customer_id,
            name=name,
            aliases=tuple(aliases),
            domains=tuple(domains),
            identifiers=tuple(identifiers),
            canaries=tuple(tokens.get(customer_id, ())),
            registered=frozenset(map(bytes.fromhex, digests.get(customer_id, ()))),
        )
        for customer_id, name, aliases, domains, identifiers in customers.values_list(*columns).iterator()
    ]


def _by_customer(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    gathered: dict[str, list[str]] = defaultdict(list)
    for customer_id, text in pairs:
        gathered[customer_id].append(text)
    return gathered


leak_index = LeakIndex()
