"""Assembles: the broker is set before any actor is declared; the admin's screens come with the pages."""

from typing import Any

import dramatiq
from django.apps import AppConfig
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks

from a2a_project.broker import broker_for


class ProjectConfig(AppConfig):
    name = "a2a_project"

    def ready(self) -> None:
        dramatiq.set_broker(broker_for(settings.BROKER_URL))


class AdminConfig(SimpleAdminConfig):
    """The admin, whose screens are loaded with the pages (urls.py): a worker has none, and starts sooner."""

    default_site = "unfold.sites.UnfoldAdminSite"

    def ready(self) -> None:
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(_check_screens, checks.Tags.admin)


def _check_screens(**options: Any) -> list[checks.CheckMessage]:
    """Check the admin as Django does, whether or not the pages have been loaded."""
    admin.autodiscover()
    return check_admin_app(**options)
