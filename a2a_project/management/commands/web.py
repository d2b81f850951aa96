"""`manage.py web`: the web processes, in production behind a proxy that speaks TLS."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from uvicorn.supervisors import Multiprocess

from a2a_project import serving


class Command(BaseCommand):
    help = "Serve the pages, the API, A2A and the websockets. Workers run apart (rundramatiq)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--processes", type=int, default=1)

    def handle(self, *_: Any, host: str, port: int, processes: int, **__: Any) -> None:
        with serving.listener_on(host=host, port=port) as listener:
            config = serving.web_config(workers=processes)
            address = f"http://{host}:{listener.getsockname()[1]}/"
            if processes > 1:
                self.stdout.write(f"Serving on {address} with {processes} processes")
                Multiprocess(config, sockets=[listener]).run()
                return
            server = serving.EmbeddedServer(config, on_ready=lambda: self.stdout.write(f"Serving on {address}"))
            serving.run(config, server.serve([listener]))
