"""Every HTTP address on one page."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from a2a_project.error_page import errors
from a2a_project.health import livez, readyz
from a2a_project.metrics import metrics
from a2a_project.published_keys import jwks
from a2a_project.refusals import nothing
from delegation.callbacks import callback

handler400 = "a2a_project.refusals.bad_request"
handler403 = "a2a_project.refusals.permission_denied"
handler404 = "a2a_project.refusals.page_not_found"
handler500 = "a2a_project.refusals.server_error"

admin.autodiscover()

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="live:tasks")),
    path("tasks/", include("delegation.live.urls")),
    path("api/", include("delegation.api.urls")),
    path("callbacks/a2a/<str:delegation_id>", callback),
    # The admin's own would tell which rows there are, whosever.
    path("admin/r/<path:anything>", nothing),
    path("admin/", admin.site.urls),
    path("docs/errors", errors, name="errors"),
    path(".well-known/jwks.json", jwks, name="jwks"),
    path("livez", livez),
    path("readyz", readyz),
    path("metrics", metrics),
]
