"""`manage.py register_values CUSTOMER --label TEXT [FILE|-]`: values that no other customer's agent may say."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from security.errors import PlatformError
from security.leak_services import values_register
from security.management.commands.scan_text import read
from security.models import Customer


class Command(BaseCommand):
    help = "Register a customer's own values, one a line; only keyed digests are kept. Prints one JSON object."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("customer", metavar="SLUG")
        parser.add_argument("file", nargs="?", default="-", help="- reads standard input")
        parser.add_argument("--label", required=True, help="what they are, without saying them")

    def handle(self, *_: Any, customer: str, file: str, label: str, **__: Any) -> None:
        if "\0" in customer or not Customer.objects.filter(pk=customer).exists():
            raise CommandError(f"there is no customer {customer!r}")
        values = [line for line in read(file).splitlines() if line.strip()]
        try:
            done = values_register(customer_id=customer, values=values, label=label, user_id=None)
        except PlatformError as error:
            raise CommandError(error.user_message) from error
        self.stdout.write(json.dumps({"added": done.added, "known": done.known}))
