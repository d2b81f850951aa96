"""`manage.py plant_canary CUSTOMER WHERE`: a token to put among a customer's data."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from security.errors import PlatformError
from security.leak_services import canary_plant
from security.models import Customer


class Command(BaseCommand):
    help = "Draw a canary token: another customer's agent that says it is blocked. Prints one JSON object."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("customer", metavar="SLUG")
        parser.add_argument("planted", metavar="WHERE", help="where you will put it")

    def handle(self, *_: Any, customer: str, planted: str, **__: Any) -> None:
        if "\0" in customer or not Customer.objects.filter(pk=customer).exists():
            raise CommandError(f"there is no customer {customer!r}")
        try:
            canary = canary_plant(customer_id=customer, planted=planted, user_id=None)
        except PlatformError as error:
            raise CommandError(error.user_message) from error
        self.stdout.write(json.dumps({"token": canary.token, "planted": canary.planted}))
