"""/livez: the process answers. /readyz: it can also reach what it needs, or says what it cannot."""

import socket
from collections.abc import Callable
from typing import Any

import pika
import psycopg
import redis
import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError

from security.limiting import store as limit_store
from security.limits import LimiterUnavailable

# A probe is asked every few seconds and must have its answer before it is given up.
TIMEOUT_SECONDS = 1

logger = structlog.get_logger(__name__)


@require_safe
@never_cache
def livez(request: HttpRequest) -> JsonResponse:  # noqa: ARG001  Django's signature
    """Answer; that is all there is to it."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001  Django's signature
    """Answer 200 when everything is reachable, else 503 with what is not. Each takes a second or so at most."""
    checks = {name: _outcome(name, check) for name, check in CHECKS.items()}
    ready = all(outcome == "ok" for outcome in checks.values())
    status = "ready" if ready else "not ready"
    return JsonResponse({"status": status, "checks": checks}, status=200 if ready else 503)


def check_database() -> None:
    """Ask the database server, past the pool: whoever waits for a pooled connection learns nothing for ten seconds."""
    if connection.vendor != "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return
    parameters: dict[str, Any] = connection.get_connection_params()
    wanted = {name: parameters[name] for name in ("dbname", "host", "port", "user", "password") if parameters.get(name)}
    # The driver's own limit is in whole seconds, two at least.
    with psycopg.connect(**wanted, connect_timeout=2 * TIMEOUT_SECONDS, options="-c statement_timeout=1000") as direct:
        direct.execute("SELECT 1")


def check_broker() -> None:
    """Ask the broker of wake-ups. The one in this process is always there."""
    if settings.BROKER_URL.startswith("amqp"):
        _ask_amqp(settings.BROKER_URL)
    elif settings.BROKER_URL:
        _ask_redis(settings.BROKER_URL)


def check_channel_layer() -> None:
    """Ask the server that carries live events between processes; one process needs none."""
    if settings.REDIS_URL:
        _ask_redis(settings.REDIS_URL)


def check_limiter() -> None:
    """Ask the server that limits and budgets are counted on: without it no new task is taken."""
    limit_store().ping()


CHECKS: dict[str, Callable[[], None]] = {
    "database": check_database,
    "broker": check_broker,
    "channel_layer": check_channel_layer,
    "limiter": check_limiter,
}


def _outcome(name: str, check: Callable[[], None]) -> str:
    try:
        check()
    except (
        DatabaseError,
        psycopg.Error,
        redis.RedisError,
        AMQPError,
        AMQPConnectorException,
        OSError,
        LimiterUnavailable,
    ) as error:
        # The text may name hosts and users: it is for the log alone.
        logger.warning("not_ready", part=name, error=repr(error))
        return f"failed: {type(error).__name__}"
    return "ok"


def _ask_redis(url: str) -> None:
    limits = {"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS}
    with redis.Redis.from_url(url, **limits) as server:
        server.ping()


def _ask_amqp(url: str) -> None:
    parameters = pika.URLParameters(url)
    parameters.socket_timeout = parameters.stack_timeout = parameters.blocked_connection_timeout = TIMEOUT_SECONDS
    parameters.connection_attempts = 1
    # The client logs each failed try at length before it raises; a look at the port keeps that out of the log.
    socket.create_connection((parameters.host, parameters.port), timeout=TIMEOUT_SECONDS).close()
    pika.BlockingConnection(parameters).close()
