"""Prometheus metrics of one server, over HTTP. Names, counts and times only; labels have few values and no identities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily

from detect_icd.service.calls import Call
from detect_icd.service.frames import Report
from detect_icd.service.pool import Counts
from detect_icd.service.settings import SetUpError

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120)
_BYTES = (256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576)


class MetricsAddressError(SetUpError):
    """The metrics' address cannot be listened on."""

    reason = "ADDRESS_UNAVAILABLE"


class State(Protocol):
    """What a pool tells of itself."""

    counts: Counts

    @property
    def versions(self) -> dict[str, str]:
        """Of the service, the lexicon and the code set in force."""

    @property
    def queued(self) -> int:
        """Calls that wait for a worker."""

    @property
    def busy(self) -> int:
        """Workers at work."""

    @property
    def workers(self) -> list[int]:
        """Process ids."""

    @property
    def processes(self) -> list[int]:
        """Process ids of nurseries and workers."""


class Metrics:
    """An observer of calls."""

    def __init__(self, pool: State) -> None:
        self.registry = CollectorRegistry()
        name, labels = "detect_icd", ("method", "code")
        self._calls = Counter(f"{name}_calls", "Calls ended.", labels, registry=self.registry)
        self._latency = Histogram(
            f"{name}_call_seconds", "Duration of calls.", ("method",), buckets=_SECONDS, registry=self.registry
        )
        self._open = Gauge(f"{name}_calls_open", "Calls and streams under way.", ("method",), registry=self.registry)
        self._messages = Counter(f"{name}_messages", "Messages answered.", ("method",), registry=self.registry)
        self._size = Histogram(
            f"{name}_message_bytes", "Size of messages received.", ("method",), buckets=_BYTES, registry=self.registry
        )
        self._sent = Counter(f"{name}_sent_bytes", "Bytes of answers.", ("method",), registry=self.registry)
        self._characters = Counter(f"{name}_characters", "Characters of text read.", registry=self.registry)
        self._mentions = Counter(f"{name}_mentions", "Mentions in answers.", registry=self.registry)
        self._stages = Counter(f"{name}_stage_seconds", "Time by stage.", ("stage",), registry=self.registry)
        self.registry.register(_OfPool(pool))

    def begun(self, call: Call) -> None:
        """A call has come."""
        self._open.labels(call.name).inc()

    def answered(self, call: Call, report: Report, received: int, sent: int) -> None:
        """One of its messages is answered."""
        self._messages.labels(call.name).inc()
        self._size.labels(call.name).observe(received)
        self._sent.labels(call.name).inc(sent)
        self._characters.inc(report.characters)
        self._mentions.inc(report.mentions)
        for stage, _, seconds in report.stages:
            self._stages.labels(stage).inc(seconds)

    def ended(self, call: Call) -> None:
        """It is over."""
        self._open.labels(call.name).dec()
        self._calls.labels(call.name, call.code).inc()
        self._latency.labels(call.name).observe(call.seconds)

    def serve(self, address: str) -> Callable[[], None]:
        """Over HTTP, in a thread of its own, so that a slow reader disturbs nothing; returns what ends it."""
        host, _, port = address.rpartition(":")
        try:
            server, thread = start_http_server(int(port), host.strip("[]"), self.registry)
        except (OSError, ValueError, OverflowError):
            raise MetricsAddressError(f"metrics cannot be served on {address}") from None

        def end() -> None:
            server.shutdown()
            server.server_close()
            thread.join(5)

        return end


class _OfPool:
    """Read when asked for."""

    def __init__(self, pool: State) -> None:
        self._pool = pool

    def collect(self) -> Iterator[Any]:
        """Called by prometheus_client."""
        pool, counts = self._pool, self._pool.counts
        yield GaugeMetricFamily("detect_icd_queue_length", "Calls that wait for a worker.", pool.queued)
        yield GaugeMetricFamily("detect_icd_workers", "Worker processes.", len(pool.workers))
        yield GaugeMetricFamily("detect_icd_workers_busy", "Workers at work.", pool.busy)
        for name, words, value in (
            ("worker_restarts", "Workers that died and were replaced.", counts.restarts),
            ("worker_stuck", "Workers killed because they did not stop when told to.", counts.stuck),
            ("worker_recycled", "Workers replaced because of their memory.", counts.recycled),
            ("reloads", "Reloads of the lexicon.", counts.reloads),
            ("reloads_refused", "Reloads refused: the old lexicon stayed.", counts.reloads_refused),
        ):
            yield CounterMetricFamily(f"detect_icd_{name}", words, value)
        memory = GaugeMetricFamily(
            "detect_icd_memory_bytes", "Proportional set size by kind of process.", labels=["process"]
        )
        workers = set(pool.workers)
        memory.add_metric(["front"], proportional_bytes("self"))
        memory.add_metric(["nursery"], sum(proportional_bytes(pid) for pid in pool.processes if pid not in workers))
        memory.add_metric(["workers"], sum(map(proportional_bytes, workers)))
        yield memory
        yield InfoMetricFamily("detect_icd_versions", "Of service, lexicon and code set.", pool.versions)


def proportional_bytes(pid: int | str) -> int:
    """Memory of a process, pages shared with n others counted as a part; 0 where the system does not tell."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:  # noqa: PTH123 - as in processes
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))
    except (OSError, StopIteration, ValueError):
        return 0
