"""What every HTTP answer tells the browser not to do, and the way from HTTP to HTTPS."""

from collections.abc import Callable
from types import MappingProxyType

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponsePermanentRedirect

GetResponse = Callable[[HttpRequest], HttpResponseBase]

_NOWHERE = "base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
# Our own pages hold no script and no style of their own: files from this site are all there is to allow.
_PAGES = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    f"connect-src 'self'; {_NOWHERE}"
)
# The admin's pages come from django-unfold: Alpine evaluates expressions in its attributes, and there are two inline
# styles, its colours and htmx's. A test reads them off the pages: an upgrade that changes them fails there.
ADMIN_STYLES = (
    "'sha256-ba7Exj2pBiFyR33g3j2oSCabv5BYnHmWkYf0H9q+T9s=' 'sha256-bsV5JivYxvGywDAZ22EZJKBFip65Ng9xoJVLbBg7bdo='"
)
_ADMIN = (
    f"default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' {ADMIN_STYLES}; "
    f"img-src 'self' data:; font-src 'self'; connect-src 'self'; {_NOWHERE}"
)
# Swagger UI: one inline style, and its icons as data.
SWAGGER_STYLE = "'sha256-MMpT0iDxyjALd9PdfepImGX3DBfJPXZ4IlDWdPAgtn0='"
_SWAGGER = (
    f"default-src 'none'; script-src 'self'; style-src 'self' {SWAGGER_STYLE}; img-src 'self' data:; font-src 'self'; "
    f"connect-src 'self'; {_NOWHERE}"
)
_DATA = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# The first that the path begins with.
_POLICIES = (
    ("/api/docs/", _SWAGGER),
    ("/api/", _DATA),
    ("/admin/", _ADMIN),
    ("/", _PAGES),
)
_PERMISSIONS = ", ".join(
    f"{name}=()"
    for name in "camera display-capture geolocation gyroscope magnetometer microphone midi payment usb".split()
)
_HEADERS = MappingProxyType({"Permissions-Policy": _PERMISSIONS})

# Probes and scrapers come from within, past the proxy that speaks TLS.
_PLAIN_PATHS = frozenset({"/livez", "/readyz", "/metrics"})
# What is asked of the machine itself crosses no network; browsers take it for secure, too.
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


def content_policy(path: str) -> str:
    """Return the Content-Security-Policy of what is answered at the path."""
    return next(policy for prefix, policy in _POLICIES if path.startswith(prefix))


class BrowserRulesMiddleware:
    """Adds the policies that Django has no setting for."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", content_policy(request.path_info))
        for name, value in _HEADERS.items():
            response.headers[name] = value
        return response


class HttpsMiddleware:
    """Sends whoever comes by plain HTTP to HTTPS, except to the machine's own address and for probes.

    Django's own redirect knows no host to spare: it is told to spare every path (``SECURE_REDIRECT_EXEMPT``).
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not settings.A2A_HTTPS or request.is_secure() or request.path_info in _PLAIN_PATHS:
            return self.get_response(request)
        host = request.get_host()
        if host.rpartition(":")[0] in _LOOPBACK or host in _LOOPBACK:
            return _without_secure_cookies(self.get_response(request))
        return _redirect(request, f"https://{host}{request.get_full_path()}")


def _redirect(request: HttpRequest, address: str) -> HttpResponse:
    response = HttpResponsePermanentRedirect(address)
    if request.method not in ("GET", "HEAD"):
        # 301 would let the client turn its POST into a GET.
        response.status_code = 308
    return response


def _without_secure_cookies(response: HttpResponseBase) -> HttpResponseBase:
    # A client that knows nothing of loopback would keep a secure cookie, and never send it back.
    for cookie in response.cookies.values():
        cookie["secure"] = ""
    return response
