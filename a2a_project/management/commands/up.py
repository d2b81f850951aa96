"""`manage.py up`: web, workers and sweeper in one process, with nothing beside it."""

import socket
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dramatiq
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from a2a_project import serving
from a2a_project.delegating import delegating
from a2a_project.sole import AlreadyRunning, sole_on_database


class Command(BaseCommand):
    help = "Run everything in one process: the web server, the delegation loop and its sweeper."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--stop-with-stdin", action="store_true", help="end when standard input does")

    def handle(self, *_: Any, host: str, port: int, stop_with_stdin: bool, **__: Any) -> None:
        try:
            with sole_on_database(), serving.listener_on(host=host, port=port) as listener:
                call_command("migrate", verbosity=0, interactive=False)
                server = self.web_server(host=host, port=listener.getsockname()[1])
                if stop_with_stdin:
                    serving.stop_with_stdin(server)
                serving.run(server.config, serve_everything(server, listener, host=host))
        except AlreadyRunning as error:
            raise CommandError(f"process {error.pid} already runs on this database; end it first") from error
        except DatabaseError as error:
            raise CommandError(f"the database cannot be used: {str(error).splitlines()[0]}") from error
        except KeyboardInterrupt as error:
            raise CommandError("interrupted while starting", returncode=130) from error
        if not server.started:
            raise CommandError("the web server did not start; the lines above say why")
        self.stdout.write("Stopped.")

    def web_server(self, *, host: str, port: int) -> serving.EmbeddedServer:
        line = f"Serving on http://{host}:{port}/ (Ctrl-C ends it)"
        return serving.EmbeddedServer(serving.web_config(), on_ready=lambda: self.announce(line))

    def announce(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


async def serve_everything(server: serving.EmbeddedServer, listener: socket.socket, *, host: str) -> None:
    """Serve until the server is asked to stop; then hand back what is under way."""
    # Agents on this machine can push to it; under which name others reach it only the settings can say.
    here = f"http://{host}:{listener.getsockname()[1]}" if host in {"127.0.0.1", "localhost"} else ""
    async with delegating(public_url=here):
        with waking():
            await server.serve([listener])


@contextmanager
def waking() -> Iterator[None]:
    """Take the broker's messages in this process; they wake its delegation loop."""
    worker = dramatiq.Worker(dramatiq.get_broker(), worker_threads=1)
    worker.start()
    try:
        yield
    finally:
        worker.stop()
