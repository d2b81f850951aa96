"""Whose rows a thread or a coroutine works with: carried implicitly, said in few places, enforced by PostgreSQL.

    with customer_rows("acme"):   # what follows sees and writes rows of acme alone
    with platform_rows():         # what follows crosses customers: claims, sweeps, logins, commands
    with owner_rows():            # what follows changes tables: migrations
    with no_rows():               # what follows has yet to learn for whom it works

Where nothing is said there are no rows at all. What is said holds for the context (contextvars): new threads and
executors begin with nothing. Other databases take no notice.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

T = TypeVar("T")

APP, PLATFORM, AUDITOR = "a2a_app", "a2a_platform", "a2a_auditor"
CUSTOMERS_SETTING = "a2a.customers"
_CUSTOMER_ID = re.compile(r"\A[-a-zA-Z0-9_]+\Z")


@dataclass(frozen=True, slots=True)
class Rows:
    """What a transaction becomes. ``assumed`` are the statements that make it so, until its end and no longer."""

    assumed: str
    role: str | None
    customers: tuple[str, ...] = ()


@lru_cache(maxsize=4096)
def _rows_of(customers: tuple[str, ...]) -> Rows:
    named = ",".join(sorted({one for one in customers if _CUSTOMER_ID.match(one)}))
    return Rows(f"SET LOCAL ROLE {APP}; SET LOCAL {CUSTOMERS_SETTING} = '{named}'; ", APP, customers)


NOBODYS = _rows_of(())
_PLATFORMS = Rows(f"SET LOCAL ROLE {PLATFORM}; ", PLATFORM)
_OWNERS = Rows("SET LOCAL ROLE NONE; ", None)
_current: ContextVar[Rows] = ContextVar("rows", default=NOBODYS)


def current_rows() -> Rows:
    """Return whose rows it is about, here and now."""
    return _current.get()


@contextmanager
def _about(rows: Rows) -> Iterator[None]:
    token = _current.set(rows)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def customer_rows(*customer_ids: str) -> Iterator[None]:
    """See and write rows of these customers alone."""
    with _about(_rows_of(customer_ids)):
        yield


@contextmanager
def platform_rows() -> Iterator[None]:
    """See and write rows of every customer: for what crosses them by nature."""
    with _about(_PLATFORMS):
        yield


@contextmanager
def owner_rows() -> Iterator[None]:
    """Be whoever the login is: for what changes tables."""
    with _about(_OWNERS):
        yield


@contextmanager
def no_rows() -> Iterator[None]:
    """See and write nothing until it is known for whom."""
    with _about(NOBODYS):
        yield


def kept_rows(parts: Iterable[T]) -> Iterator[T]:
    """Give the parts of an answer that is sent bit by bit, each made with the rows that are current now."""
    return _made_with(_current.get(), iter(parts))


def _made_with(rows: Rows, parts: Iterator[T]) -> Iterator[T]:
    while True:
        with _about(rows):
            try:
                part = next(parts)
            except StopIteration:
                return
        yield part


def narrow_rows(customer_id: str) -> None:
    """See and write rows of this customer alone from here on, until the ``no_rows`` around it ends."""
    _current.set(_rows_of((customer_id,)))


def be_platform() -> None:
    """Work with the rows of every customer from here on: for a program that is no server."""
    _current.set(_PLATFORMS)


def be_owner() -> None:
    """Be whoever the login is from here on: for a program that makes tables and empties them."""
    _current.set(_OWNERS)
