"""`/.well-known/jwks.json`: the keys that agents check our calls by. Public, as every agent must be able to read it."""

import orjson
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from security.signing import SCHEDULE, published_keys


@require_safe
def jwks(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  Django's signature
    """Return the JSON Web Key Set (RFC 7517); a new key stands there before it signs, so that it may be cached."""
    response = HttpResponse(orjson.dumps(published_keys(now=timezone.now())), content_type="application/jwk-set+json")
    response["Cache-Control"] = f"public, max-age={SCHEDULE.cache_seconds:.0f}"
    # There is nothing in it that a page of another site may not see.
    response["Access-Control-Allow-Origin"] = "*"
    return response
