"""The web server of the commands `up` and `web`: its socket, its settings, and how it is asked to stop."""

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import CommandError

from delegation.live.waiting import waiting
from security.rows import no_rows

GRACE_SECONDS = 5
# Clients of our websockets only listen; what they may send is small.
WEBSOCKET_MESSAGE_BYTES = 64 * 1024


def listener_on(*, host: str, port: int) -> socket.socket:
    """Return a socket that listens there. Raises CommandError where the port is taken or not allowed."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise CommandError(
            f"cannot listen on {host}:{port} ({os.strerror(error.errno or 0)}); choose another --port"
        ) from error
    except OverflowError as error:
        raise CommandError(f"{port} is no port; choose one from 0 to 65535") from error


def web_config(*, workers: int = 1) -> uvicorn.Config:
    """Return the web server's settings; the logs are Django's."""
    return uvicorn.Config(
        "a2a_project.asgi:application",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        workers=workers,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ws_max_size=WEBSOCKET_MESSAGE_BYTES,
        proxy_headers=True,
        forwarded_allow_ips=settings.A2A_TRUSTED_PROXIES,
    )


class EmbeddedServer(uvicorn.Server):
    """A web server that shares its loop with others: signals ask it to stop and are then done with."""

    def __init__(self, config: uvicorn.Config, *, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Requests that wait for tasks would hold it up for the whole grace.
        waiting.release()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn's own raises the signal again at its end, which would cut off what has to be drained after the server.
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


def run(config: uvicorn.Config, serving: Coroutine[Any, Any, None]) -> None:
    """Run the coroutine to its end on the event loop that the web server prefers."""
    # A command works with everybody's rows; what a server does learns for whom.
    with no_rows(), asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(serving)


def stop_with_stdin(server: uvicorn.Server) -> None:
    """Ask the server to stop when standard input ends: with the program that started it, however that died."""

    def watch() -> None:
        sys.stdin.buffer.read()
        server.should_exit = True

    threading.Thread(target=watch, name="stdin", daemon=True).start()
