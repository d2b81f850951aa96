"""The pages that are no model's, added to the admin's addresses."""

from collections.abc import Callable

from django.contrib import admin
from django.urls import URLPattern, path

from security.leak_screens.bench import bench
from security.leak_screens.judging import judge

PAGES = [
    path("leaks/bench/", admin.site.admin_view(bench), name="leak_bench"),
    path("leaks/<uuid:finding_id>/judge/", admin.site.admin_view(judge), name="leak_judge"),
]


def _after(others: Callable[[], list[URLPattern]] | None) -> Callable[[], list[URLPattern]]:
    """Return all the pages: others' and these."""
    return lambda: [*(others() if others else ()), *PAGES]


admin.site.extra_urls = _after(getattr(admin.site, "extra_urls", None))  # type: ignore[attr-defined]  # unfold's own
