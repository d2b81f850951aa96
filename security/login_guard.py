"""Against guessing: after so many failed logins an account, or an address, is locked for a while.

An account that does not exist is counted and locked like any other. An attempt is counted before the password is looked
at, so that many at once get no more guesses than one after the other.
"""

import hashlib
import time
import unicodedata
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User

from security.errors import RateLimitExceeded
from security.http_limits import address_of, count_cache, count_login, counted
from security.models import Membership
from security.rows import platform_rows

LOCKED = "Too many failed logins. Please wait before trying again."
log = structlog.get_logger(__name__)


class LoginLocked(RateLimitExceeded):
    message = LOCKED


class GuardedBackend(ModelBackend):
    """Django's accounts, guarded at every door that asks for a password."""

    @platform_rows()
    def get_user(self, user_id: int) -> User | None:
        """Return the person of a session; whose rows it is about follows from that."""
        return super().get_user(user_id)

    @platform_rows()
    def _get_permissions(self, user_obj: Any, obj: Any, from_name: str) -> set[str]:
        permissions: set[str] = super()._get_permissions(user_obj, obj, from_name)  # type: ignore[misc]  # Django's own
        return permissions

    @platform_rows()
    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """Return the person, or None.

        Raises:
            LoginLocked: too many have failed lately, of the account or from the address.
            RateLimitExceeded: the address tries too often.
            LimiterUnavailable: nobody can tell: no login is taken.
        """
        if username is None or password is None:
            return None
        address = None if request is None else address_of(request)
        if request is not None:
            count_login(request)
            counted(lambda: _check_address(str(address)))
        counted(lambda: _count_attempt(username))
        user = super().authenticate(request, username=username, password=password, **kwargs)
        if user is None or _is_switched_off(user):
            counted(lambda: _failed(username, address))
            return None
        counted(lambda: _forget(username))
        return user


def _is_switched_off(user: User) -> bool:
    """Tell whether every customer that employs the person is switched off: its credentials are as good as wrong."""
    if user.is_superuser:
        return False
    switched_on = Membership.objects.filter(user=user).values_list("customer__is_active", flat=True)
    return bool(switched_on) and not any(switched_on)


def _count_attempt(username: str) -> None:
    """Count on the account; the attempt after the last one allowed finds it locked."""
    key = _key("account", username)
    if _added(key) > settings.A2A_LOGIN_FAILURES:
        _refuse(key, f"account {username[:64]!r}", allowed=settings.A2A_LOGIN_FAILURES)


def _check_address(address: str) -> None:
    key = _key("address", address)
    allowed = settings.A2A_LOGIN_ADDRESS_FAILURES
    if int(count_cache().get(key, 0)) >= allowed:
        _refuse(key, f"address {address}", allowed=allowed)


def _failed(username: str, address: str | None) -> None:
    """Begin the lock with the failure that is one too many: it lasts its whole time from then."""
    cache, seconds = count_cache(), settings.A2A_LOGIN_LOCK_SECONDS
    account = _key("account", username)
    failures = [(account, int(cache.get(account, 0)), settings.A2A_LOGIN_FAILURES)]
    if address is not None:
        key = _key("address", address)
        failures.append((key, _added(key), settings.A2A_LOGIN_ADDRESS_FAILURES))
    for key, count, allowed in failures:
        if count >= allowed:
            cache.set(f"{key}:until", int(time.time()) + seconds, seconds)
            cache.touch(key, seconds)
            log.warning("login locked", key=key, failures=count)


def _forget(username: str) -> None:
    count_cache().delete(_key("account", username))


def _added(key: str) -> int:
    """Return the count with this one."""
    cache = count_cache()
    return 1 if cache.add(key, 1, settings.A2A_LOGIN_LOCK_SECONDS) else cache.incr(key)


def _refuse(key: str, who: str, *, allowed: int) -> None:
    seconds = settings.A2A_LOGIN_LOCK_SECONDS
    until = count_cache().get(f"{key}:until") or time.time() + seconds
    raise LoginLocked(
        internal=f"{who} is locked",
        retry_after_seconds=max(1.0, until - time.time()),
        policy=f'"login_failures";q={allowed};w={seconds}',
    )


def _key(kind: str, name: str) -> str:
    """Return the counter's key. Names that look the same to a person are one account; none stands in the cache."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return f"login:{kind}:{hashlib.sha256(folded.encode(errors='surrogatepass')).hexdigest()}"
