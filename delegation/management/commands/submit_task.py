"""`manage.py submit_task CUSTOMER "text"`: give a task to a customer's team, in its owner's name."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from delegation.management.watching import owner_of, watch_until_told
from delegation.services.tasks import task_submit
from delegation.states import Priority
from security.errors import PlatformError


class Command(BaseCommand):
    help = "Submit a task and print its id. A running `up`, or workers, must carry it out."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("customer")
        parser.add_argument("message")
        parser.add_argument("--agent", metavar="TYPE", help="who gets it first; else the platform chooses")
        parser.add_argument("--priority", choices=Priority.values, default=Priority.NORMAL)
        parser.add_argument(
            "--watch", action="store_true", help="follow it to its end; the exit code tells the outcome"
        )

    def handle(
        self, *_: Any, customer: str, message: str, agent: str | None, priority: str, watch: bool, **__: Any
    ) -> None:
        principal = owner_of(customer)
        try:
            submission = task_submit(
                principal=principal, message=message, agent_type=agent, priority=priority, now=timezone.now()
            )
        except PlatformError as error:
            raise CommandError(error.user_message) from error
        self.stdout.write(str(submission.task.pk))
        if watch and not watch_until_told(principal=principal, task=submission.task):
            sys.exit(1)
