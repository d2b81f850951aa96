"""`manage.py rotate_signing_key`: a new key for the gateway's tokens ahead of time, or in place of a stolen one."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from security.identity import revoke, rotate
from security.signing import SCHEDULE, DatabaseKeyStore, secret_box


class Command(BaseCommand):
    help = (
        "Announce a new key, which signs once every process and agent can know it; the old one stays published until "
        "its tokens have expired. Keys also rotate by themselves. Prints one JSON object."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--revoke",
            metavar="KID",
            help="take this key out at once: it may be known to others (--revoke=KID where it begins with a dash)",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        store, box, now = DatabaseKeyStore(), secret_box(), timezone.now()
        kid = options["revoke"]
        if kid is None:
            ring = rotate(store, box=box, schedule=SCHEDULE, now=now)
        elif any(key.kid == kid for key in store.load().keys):
            ring = revoke(store, kid, box=box, schedule=SCHEDULE, now=now)
        else:
            known = ", ".join(key.kid for key in store.load().keys) or "none at all"
            raise CommandError(f"there is no key {kid}; there is {known}")
        keys = [
            {"kid": key.kid, "state": ring.state(key, now), "active_from": key.active_from.isoformat()}
            for key in ring.published(now, SCHEDULE)
        ]
        self.stdout.write(json.dumps({"keys": keys}))
