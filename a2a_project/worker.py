"""What a Dramatiq process imports: Django with its settings, the actors, and a delegation loop on a thread."""

import os

import django
import dramatiq

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "a2a_project.settings")
django.setup()

from a2a_project.delegating import DelegationThread  # noqa: E402 - needs the apps; brings the actors with it

broker = dramatiq.get_broker()
broker.add_middleware(DelegationThread())
