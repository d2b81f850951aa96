"""`manage.py reseal`: what is kept encrypted, encrypted anew by the newest key, so that the old one can be dropped."""

import json
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from delegation.models import Agent
from delegation.services.credentials import credential_reseal
from security.identity import SealBroken, keep_rotated
from security.signing import SCHEDULE, DatabaseKeyStore, secret_box


class Command(BaseCommand):
    help = (
        "Encrypt signing keys and agents' credentials anew by the first of A2A_ENCRYPTION_KEYS. Prints one JSON "
        "object; exit code 1 where something can be opened by none of the keys."
    )

    def handle(self, *_: Any, **__: Any) -> None:
        resealed, unreadable = 0, []
        for agent in Agent.objects.exclude(sealed_credential="").iterator():
            try:
                resealed += credential_reseal(agent)
            except SealBroken:
                unreadable.append(f"{agent.customer_id}/{agent.agent_type}")
        box = secret_box()
        # Reading the ring seals its keys anew by itself.
        ring = keep_rotated(DatabaseKeyStore(), box=box, schedule=SCHEDULE, now=timezone.now())
        lost = [f"signing key {key.kid}" for key in ring.keys if not box.is_current(key.sealed_private_key)]
        self.stdout.write(json.dumps({"credentials_resealed": resealed, "unreadable": [*unreadable, *lost]}))
        if unreadable or lost:
            raise SystemExit(1)
