"""Customers that no other test has."""

from tests.security.limits.conftest import customer

__all__ = ["customer"]
