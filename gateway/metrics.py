"""Counters for Prometheus: requests by outcome, durations, ingested lines, the state of every source. Decides nothing."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

States: TypeAlias = Callable[[], Mapping[str, bool]]
"""The name of each source, and of each tenant that failed → whether it is asked (its breaker is closed)."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The counters of one gateway, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._known: dict[tuple[str, str], tuple[Counter, Histogram]] = {}
        self._requests = Counter(
            "mingjing_requests",
            "Requests answered, by door and outcome code (OK, or a fault's code)",
            ["door", "code"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "mingjing_request_seconds",
            "Seconds from a request's head to its answer's end",
            ["door"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._lines = Counter("mingjing_ingest_lines", "Lines received, by receipt status", ["status"], registry=self.registry)
        self.under_way = 0
        under_way = Gauge("mingjing_requests_under_way", "Requests being answered", registry=self.registry)
        under_way.set_function(lambda: self.under_way)

    def answered(self, door: str, code: str, seconds: float) -> None:
        """One request. Which counter is meant by its labels is looked up once: there are few."""
        if (known := self._known.get((door, code))) is None:
            known = self._known[door, code] = self._requests.labels(door, code), self._seconds.labels(door)
        known[0].inc()
        known[1].observe(seconds)

    def ingested(self, status: str, lines: int = 1) -> None:
        self._lines.labels(status).inc(lines)

    def watch(self, states: States) -> None:
        """From now on each scrape asks for the states of the sources."""
        self.registry.register(Sources(states))

    def page(self) -> bytes:
        return generate_latest(self.registry)


class Sources(Collector):
    """The sources as they stand when they are asked for."""

    def __init__(self, states: States) -> None:
        self.states = states

    def collect(self) -> Iterable[Metric]:
        """One gauge each: 1 where it is asked, 0 where it failed too often and is left alone for a while."""
        family = GaugeMetricFamily(
            "mingjing_source_up", "1: asked; 0: left alone for a while, a source or a tenant", labels=["source"]
        )
        for name, up in self.states().items():
            family.add_metric([name], float(up))
        yield family
