"""`manage.py sweep`: the sweeper alone, for an installation whose workers come and go."""

import signal
import threading
from argparse import ArgumentParser
from types import FrameType
from typing import Any

import structlog
import uuid6
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.utils import timezone

from a2a_project.sole import AlreadyRunning, sole_on_database
from delegation.loop.sweeper import Sweeper

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "End what is past its time, and free what dead workers left. Each worker does so too."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--every", type=float, default=1.0, metavar="SECONDS")

    def handle(self, *_: Any, every: float, **__: Any) -> None:
        ended = threading.Event()

        def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler's signature
            ended.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)
        try:
            with sole_on_database():
                sweep_until(ended, every_seconds=every)
        except AlreadyRunning as error:
            raise CommandError(f"process {error.pid} runs on this database, and sweeps it by itself") from error


def sweep_until(ended: threading.Event, *, every_seconds: float) -> None:
    """Sweep again and again. A database that is away is waited for."""
    sweeper = Sweeper(worker_id=uuid6.uuid7())
    while not ended.is_set():
        try:
            sweeper.sweep(timezone.now(), ())
        except DatabaseError as error:
            log.warning("cannot sweep", error=str(error))
            connection.close()
        ended.wait(every_seconds)
    sweeper.leave()
