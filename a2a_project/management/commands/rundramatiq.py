"""`manage.py rundramatiq`: the worker processes of an installation with a broker."""

import gc
import os
import sys
from argparse import ArgumentParser
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandError
from dramatiq.cli import main as run_workers
from dramatiq.cli import make_argument_parser

# A worker that is told to stop hands back what it has claimed; a hop in flight may take as long as its agent.
SHUTDOWN_MILLISECONDS = 30_000
WORKER = "a2a_project.worker"


class Command(BaseCommand):
    help = "Run worker processes. Each advances hundreds of hops in one asyncio loop."
    # Of pages, which are checked where they are served, a worker has not so much as loaded the addresses.
    requires_system_checks = (Tags.caches, Tags.compatibility, Tags.database, Tags.files, Tags.models)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)

    def handle(self, *_: Any, processes: int, **__: Any) -> None:
        if not settings.BROKER_URL:
            raise CommandError("set BROKER_URL or REDIS_URL; with neither, `manage.py up` runs all in one process")
        if processes < 1:
            raise CommandError("--processes must be at least 1")
        # One thread: the actor only wakes the loop of its process.
        options = {"processes": processes, "threads": 1, "worker-shutdown-timeout": SHUTDOWN_MILLISECONDS}
        flags = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        # Loaded once, in this process that the workers are forked from, so that after a crash they are at work soon.
        # The garbage collector writes to all that it looks through, and each worker would copy it for that.
        import_module(WORKER)
        gc.freeze()
        # Dramatiq answers signals; the exit code is its own.
        arguments = make_argument_parser().parse_args([f"{WORKER}:broker", "--skip-logging", *flags])
        sys.exit(run_workers(arguments))
