"""`manage.py watch_task ID`: follow a task to its end."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from delegation.management.watching import owner_of, task_of, watch_until_told


class Command(BaseCommand):
    help = "Show a task from its beginning until it ends. The exit code is 0 when it was completed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id")

    def handle(self, *_: Any, **options: Any) -> None:
        task = task_of(options["id"])
        if not watch_until_told(principal=owner_of(task.customer_id), task=task):
            sys.exit(1)
