"""Whose rows an HTTP request works with: nobody's until its credential has been read."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import cast

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from security.access import customers_on_screens
from security.rows import customer_rows, kept_rows, no_rows, platform_rows

_SCREENS = "/admin/"
# What is the person's own and no customer's: their account, and on the first page what they have done of late.
_ACCOUNT = (_SCREENS, "/admin/password_change/", "/admin/login/", "/admin/logout/")


class RowsMiddleware:
    """Gives each request a scope of its own. The API and the pages narrow it to the customer of the credential; the
    admin's screens begin with the customers that the person belongs to.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with _screens_rows(request) if request.path_info.startswith(_SCREENS) else no_rows():
            response = self._get_response(request)
            if isinstance(response, StreamingHttpResponse) and not response.is_async:
                # Its parts are made when the request is over, whose rows it was about or not.
                response.streaming_content = kept_rows(cast("Iterator[bytes]", response.streaming_content))
            return response


def _screens_rows(request: HttpRequest) -> AbstractContextManager[None]:
    if request.path_info in _ACCOUNT:
        return platform_rows()
    customers = customers_on_screens(request.user)
    return platform_rows() if customers is None else customer_rows(*customers)
