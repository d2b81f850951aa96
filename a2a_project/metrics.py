"""/metrics: the counts of every process on this machine, and what the database tells at the moment of asking."""

import hmac
import ipaddress
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from delegation.errors import AgentTimeout, AgentUnavailable
from delegation.metrics import OWN
from delegation.models import Agent, Hop, Task
from delegation.states import HOP_ENDED, TASK_ENDED, TaskStatus
from security.models import Customer
from security.rows import platform_rows

AVAILABILITY_WINDOW = timedelta(minutes=5)
# The newest are enough to tell an agent's state, and keep a scrape short when thousands end each second.
_LOOKED_AT = 10_000
_ACTIVE = [status for status in TaskStatus if status not in TASK_ENDED]
_UNREACHED = [AgentUnavailable.code, AgentTimeout.code]


@require_safe
@platform_rows()
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer in Prometheus's text format, to scrapers alone: the labels name every customer and agent."""
    if not is_scraper(request):
        raise Http404
    registry = CollectorRegistry()
    registry.register(CountedByProcesses())
    registry.register(DatabaseGauges(now=timezone.now()))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def is_scraper(request: HttpRequest) -> bool:
    """Tell whether the request shows the token of A2A_METRICS_TOKEN or, with none set, comes from within.

    What a proxy has passed on comes from outside.
    """
    if settings.A2A_METRICS_TOKEN:
        shown = request.headers.get("Authorization", "").encode()
        return hmac.compare_digest(shown, f"Bearer {settings.A2A_METRICS_TOKEN}".encode())
    if {"HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED"} & request.META.keys():
        return False
    try:
        return not ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_global
    except ValueError:
        return False


class CountedByProcesses(Collector):
    """The sums over all processes; what nobody has counted yet is named all the same, so that dashboards find it."""

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        counted = MultiProcessCollector(None).collect()  # type: ignore[no-untyped-call]
        names = {metric.name for metric in counted}
        yield from counted
        for own in OWN:
            yield from (metric for metric in _without_samples(own) if metric.name not in names)


def _without_samples(own: Counter | Histogram) -> Iterator[Metric]:
    for metric in own.describe():
        yield Metric(metric.name, metric.documentation, metric.type)


class DatabaseGauges(Collector):
    """What no process can count for itself, since others start and end it."""

    def __init__(self, *, now: datetime) -> None:
        self._now = now

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        yield self._active_workflows()
        yield self._agent_availability()

    def _active_workflows(self) -> Metric:
        gauge = GaugeMetricFamily("a2a_active_workflows", "Tasks that have not ended.", labels=["customer_id"])
        running = Task.objects.filter(status__in=_ACTIVE).order_by().values_list("customer_id").annotate(n=Count("id"))
        counts = dict(running)
        for customer_id in Customer.objects.filter(is_active=True).values_list("id", flat=True):
            gauge.add_metric([customer_id], counts.get(customer_id, 0))
        return gauge

    def _is_called(self, agent: Agent) -> bool:
        """Tell whether a worker would call the agent now: it is enabled, and its circuit is not open."""
        return agent.enabled and (agent.circuit_open_until is None or agent.circuit_open_until <= self._now)

    def _agent_availability(self) -> Metric:
        gauge = GaugeMetricFamily(
            "a2a_agent_availability",
            "Share of the agent's calls of the last minutes that reached it; 0 when disabled or its circuit is open.",
            labels=["agent_type", "customer_id"],
        )
        shares = _reached_shares(since=self._now - AVAILABILITY_WINDOW)
        for agent in Agent.objects.only("customer_id", "agent_type", "enabled", "circuit_open_until"):
            share = shares.get((agent.customer_id, agent.agent_type), 1.0)
            gauge.add_metric([agent.agent_type, agent.customer_id], share if self._is_called(agent) else 0.0)
        return gauge


def _reached_shares(*, since: datetime) -> dict[tuple[str, str], float]:
    """Return for each customer's agent the share of its ended hops that did not fail to reach it."""
    # Ids begin with their time in milliseconds: the primary key is the index by time.
    first = UUID(int=int(since.timestamp() * 1000) << 80)
    newest = Hop.objects.filter(id__gte=first).order_by("-id").values("id")[:_LOOKED_AT]
    rows = (
        Hop.objects.filter(id__in=newest, status__in=HOP_ENDED)
        .order_by()
        .values_list("customer_id", "agent_type")
        .annotate(ended=Count("id"), unreached=Count("id", filter=Q(error_code__in=_UNREACHED)))
    )
    return {(customer_id, kind): 1 - unreached / ended for customer_id, kind, ended, unreached in rows}
