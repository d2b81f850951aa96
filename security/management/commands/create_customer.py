"""`manage.py create_customer`: a tenant with its owner and a fresh API key."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from security.errors import PlatformError
from security.services import customer_create


class Command(BaseCommand):
    help = "Create a customer, or bring it up to date. Prints one JSON object; the API key is new each time."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the customer's id, for ever: lower-case letters, digits and dashes")
        parser.add_argument("--name", required=True)
        parser.add_argument("--alias", action="append", default=[], dest="aliases", metavar="NAME")
        parser.add_argument("--domain", action="append", default=[], dest="domains", metavar="DOMAIN")
        parser.add_argument("--owner", required=True, metavar="USERNAME")
        parser.add_argument("--password", required=True)

    def handle(self, *_: Any, **options: Any) -> None:
        wanted = {name: options[name] for name in ("slug", "name", "aliases", "domains", "owner", "password")}
        try:
            created = customer_create(**wanted, now=timezone.now())
        except PlatformError as error:
            raise CommandError(error.user_message) from error
        self.stdout.write(json.dumps(asdict(created)))
