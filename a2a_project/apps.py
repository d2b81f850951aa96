"""Assembles: the broker is set before any actor is declared."""

import dramatiq
from django.apps import AppConfig
from django.conf import settings

from a2a_project.broker import broker_for


class ProjectConfig(AppConfig):
    name = "a2a_project"

    def ready(self) -> None:
        dramatiq.set_broker(broker_for(settings.BROKER_URL))
