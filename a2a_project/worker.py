"""What a Dramatiq process imports: Django with its settings, the actors, and a delegation loop on a thread.

Whatever it opens, connections and threads above all, it opens after `process_boot`: the module may be loaded before a
fork.
"""

import os

import django
import dramatiq

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "a2a_project.settings")
django.setup()

from a2a_project.delegating import DelegationThread  # noqa: E402 - needs the apps; brings the actors with it
from security.leak_index import leak_index  # noqa: E402 - as above

leak_index.load_rules()
broker = dramatiq.get_broker()
broker.add_middleware(DelegationThread())
