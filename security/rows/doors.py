"""Whose rows an HTTP request works with: nobody's until its credential has been read."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from security.access import customers_on_screens
from security.rows import customer_rows, no_rows, platform_rows

_SCREENS = "/admin/"
# A person changes their own account there, which belongs to no customer.
_ACCOUNT = ("/admin/password_change/", "/admin/login/", "/admin/logout/")


class RowsMiddleware:
    """Gives each request a scope of its own. The API and the pages narrow it to the customer of the credential; the
    admin's screens begin with the customers that the person belongs to.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with _screens_rows(request) if request.path_info.startswith(_SCREENS) else no_rows():
            return self._get_response(request)


def _screens_rows(request: HttpRequest) -> AbstractContextManager[None]:
    if request.path_info in _ACCOUNT:
        return platform_rows()
    customers = customers_on_screens(request.user)
    return platform_rows() if customers is None else customer_rows(*customers)
