"""Where our own requests may go: checked when an address is registered, and again on what it resolves to.

The gateway connects to the very addresses that ``permitted`` hands back, so a name that resolves differently a moment
later (DNS rebinding) gains nothing.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from security.errors import AddressRefused

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

_GLOBAL_UNICAST = IPv6Network("2000::/3")
# What some of Python's versions take for public (the IANA registries have grown), and Azure's metadata service.
_REFUSED_THOUGH_PUBLIC: tuple[IPNetwork, ...] = (
    IPv4Network("168.63.129.16/32"),
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv6Network("2001:db8::/32"),
    IPv6Network("3fff::/20"),
)
_NAT64 = IPv6Network("64:ff9b::/96")
# Clouds' metadata services, which hand out credentials: a name that the operator lists does not open the way to them,
# only the very address or its network does.
_METADATA: tuple[IPNetwork, ...] = (
    IPv4Network("169.254.0.0/16"),
    IPv4Network("100.100.100.200/32"),
    IPv4Network("168.63.129.16/32"),
    IPv4Network("192.0.0.192/32"),
    IPv6Network("fd00:ec2::/32"),
    IPv6Network("fe80::/10"),
)
_METADATA_NAMES = frozenset(
    "metadata metadata.google.internal metadata.goog instance-data instance-data.ec2.internal".split()
)
# Beyond these two a port under 1024, or one of the others, is some other service's: mail, files, remote logins.
_WEB_PORTS = frozenset({80, 443})
_OTHER_SERVICES = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, *range(6665, 6670), 6697}
)
_HOST_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?", re.ASCII)
# What a resolver may read as a number: 2130706433, 0x7f.1, 0177.0.0.1 (WHATWG URL, "ends in a number").
_NUMERIC = re.compile(r"(.*\.)?(\d+|0x[0-9a-f]*)\.?", re.ASCII)
_PRIVATE = "This address is private or reserved, and may not be called."
_FORBIDDEN_CHARACTERS = re.compile(r"[\x00-\x20\x7f\\]")


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Say which hosts may be called: public ones, and those that are listed.

    ``allowed_hosts`` holds host names, addresses and networks that may be called although they are private.
    """

    allowed_hosts: tuple[str, ...] = ()
    _names: frozenset[str] = field(init=False, repr=False)
    _networks: tuple[IPNetwork, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        networks = [network for entry in self.allowed_hosts if (network := _network_of(entry.strip())) is not None]
        names = [entry.strip().lower() for entry in self.allowed_hosts if _network_of(entry.strip()) is None]
        object.__setattr__(self, "_names", frozenset(names))
        object.__setattr__(self, "_networks", tuple(networks))

    def check_url(self, url: str) -> None:
        """Refuse an address that no agent may be registered with.

        Names are not resolved: what they resolve to is checked at each connection, by ``permitted``.

        Raises:
            AddressRefused: with a ``detail`` that a client may read.
        """
        parts = _split(url)
        host = _host_of(parts)
        address = _literal(host)
        if address is not None:
            self.permitted(host, [host])
        elif host.rstrip(".") in _METADATA_NAMES and host.rstrip(".") not in self._names:
            raise AddressRefused(internal=f"{host} is a metadata service", detail=_PRIVATE)
        elif host.rstrip(".") == "localhost" or host.rstrip(".").endswith(".localhost"):
            self._check_localhost(host)
        if not self._is_listed(host, address):
            _check_port(parts)

    def permitted(self, host: str, addresses: Iterable[str]) -> list[str]:
        """Return those of the addresses that a connection to the host may go to, in their order.

        Raises:
            AddressRefused: when none is left.
        """
        candidates = list(addresses)
        trusted = host.lower().rstrip(".") in self._names
        kept = [each for each in candidates if self._may_connect(ip_address(each), trusted=trusted)]
        if not kept:
            refused = ", ".join(candidates) or "nothing"
            raise AddressRefused(
                internal=f"{host} resolves to {refused}, where no agent may live",
                detail=_PRIVATE,
            )
        return kept

    def _check_localhost(self, host: str) -> None:
        loopback = any(network.network_address.is_loopback for network in self._networks)
        if host.rstrip(".") not in self._names and not loopback:
            raise AddressRefused(internal=f"{host} is this machine", detail=_PRIVATE)

    def _is_listed(self, host: str, address: IPAddress | None) -> bool:
        if address is None:
            return host.rstrip(".") in self._names or host.rstrip(".").endswith("localhost")
        return host in self._names or any(_unmapped(address) in network for network in self._networks)

    def _may_connect(self, address: IPAddress, *, trusted: bool) -> bool:
        meant = _unmapped(address)
        if meant.is_unspecified or meant.is_multicast:
            return False
        if any(meant in network for network in self._networks):
            return True
        if trusted and not any(meant in network for network in _METADATA):
            return True
        return all(_is_public(each) for each in (meant, *_embedded(meant)))


def _split(url: str) -> SplitResult:
    if _FORBIDDEN_CHARACTERS.search(url):
        raise AddressRefused(detail="The address may not hold spaces, control characters or backslashes.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressRefused(internal=str(error), detail="The address is not a valid URL.") from error
    if parts.scheme not in ("http", "https"):
        raise AddressRefused(detail="The address must begin with http:// or https://.")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused(detail="The address may not hold a user name or password.")
    if port == 0:
        raise AddressRefused(detail="The address has no valid port.")
    return parts


def _check_port(parts: SplitResult) -> None:
    port = parts.port
    if port is not None and (port < 1024 or port in _OTHER_SERVICES) and port not in _WEB_PORTS:
        raise AddressRefused(detail=f"Port {port} is another service's: use 80, 443, or one from 1024 on.")


def _host_of(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if "%" in host:
        raise AddressRefused(detail="The address's host may not hold percent signs.")
    if _literal(host) is not None:
        return host
    try:
        # IDNA folds look-alike digits and dots to ASCII, so that a number cannot hide behind them.
        host = host.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise AddressRefused(internal=str(error), detail="The address's host is not valid.") from error
    if _literal(host) is None and (not _HOST_NAME.fullmatch(host) or _NUMERIC.fullmatch(host)):
        raise AddressRefused(internal=f"host {host!r}", detail="The address's host is not valid.")
    return host


def _literal(host: str) -> IPAddress | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _network_of(entry: str) -> IPNetwork | None:
    try:
        return ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return None


def _unmapped(address: IPAddress) -> IPAddress:
    """Return the IPv4 address that an IPv4-mapped one stands for: the kernel connects to that."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped


def _embedded(address: IPAddress) -> Iterable[IPAddress]:
    """Yield the IPv4 addresses that a relay would unwrap from a 6to4, Teredo, NAT64 or IPv4-compatible address."""
    if not isinstance(address, IPv6Address):
        return
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if address in _NAT64 or int(address) < 1 << 32:
        yield IPv4Address(int(address) & 0xFFFFFFFF)


def _is_public(address: IPAddress) -> bool:
    if isinstance(address, IPv6Address) and address in _NAT64:
        return True
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    reserved = address.is_private or address.is_multicast or address.is_reserved
    return address.is_global and not reserved and not any(address in network for network in _REFUSED_THOUGH_PUBLIC)
