"""The web server as people reach it: uvicorn on a free loopback port, in a thread of the test's process."""

import asyncio
import threading
from typing import Self

import uvicorn

from delegation.live.feed import feed


class WebServer:
    """Serve the ASGI application while the context is open."""

    def __init__(self) -> None:
        config = uvicorn.Config(
            "a2a_project.asgi:application", host="127.0.0.1", port=0, log_config=None, timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="web")

    async def _serve(self) -> None:
        # As `manage.py up` does: the live feed speaks from the server's own loop.
        feed.start()
        try:
            await self._server.serve()
        finally:
            await feed.stop()

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the server did not start"
            self._thread.join(0.005)
        self.port: int = self._server.servers[0].sockets[0].getsockname()[1]
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._server.should_exit = True
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def websocket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"
