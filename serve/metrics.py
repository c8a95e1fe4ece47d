"""What /metrics shows, in Prometheus' text format: requests, waiting, retrieval, tokens, cache hits. No content."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from core.service import ServiceStatus
from serve.request_record import RequestRecord

_SHORT = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_LONG = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160)
Counts = Callable[[], Mapping[str, float]]
Statuses = Callable[[], Sequence[ServiceStatus]]


class Metrics:
    """Counters of one application. `engine` gives vLLM's prefix-cache counts (see Engine.counts).

    `statuses` gives the state of each domain.
    """

    def __init__(self, engine: Counts, queue: Counts, statuses: Statuses) -> None:
        self._registry = own = CollectorRegistry()
        self._requests = Counter("graft_requests", "Requests to /v1.", ("model", "arm", "status"), registry=own)
        self._seconds = Histogram("graft_request_seconds", "Whole requests.", ("arm",), buckets=_LONG, registry=own)
        self._queued = Histogram("graft_queue_seconds", "Waiting for a free place.", buckets=_SHORT, registry=own)
        self._search = Histogram("graft_retrieval_seconds", "Searching passages.", buckets=_SHORT, registry=own)
        self._first = Histogram(
            "graft_first_token_seconds", "From question to first token.", ("arm",), buckets=_LONG, registry=own
        )
        self._tokens = Counter("graft_tokens", "Tokens read and written.", ("model", "arm", "kind"), registry=own)
        self._degraded = Counter("graft_degraded", "Answers of passages only, the model being down.", registry=own)
        self._registry.register(_Now(engine, queue, statuses))

    def count(self, record: RequestRecord) -> None:
        """Add one finished request."""
        self._requests.labels(record.model, record.arm, str(record.status)).inc()
        if not record.arm:
            return
        self._seconds.labels(record.arm).observe(record.seconds)
        if record.queue_seconds is not None:
            self._queued.observe(record.queue_seconds)
        if record.retrieval_seconds is not None:
            self._search.observe(record.retrieval_seconds)
        answer = record.answer
        if answer is None:
            return
        if answer.seconds_to_first_token is not None:
            self._first.labels(record.arm).observe(answer.seconds_to_first_token)
        self._tokens.labels(record.model, record.arm, "prompt").inc(answer.usage.prompt_tokens)
        self._tokens.labels(record.model, record.arm, "completion").inc(answer.usage.completion_tokens)
        self._degraded.inc(answer.degraded)

    def text(self) -> bytes:
        """All metrics as Prometheus reads them. May block for a moment on vLLM."""
        return generate_latest(self._registry)


class _Now(Collector):
    """What is looked up when somebody asks, instead of being counted."""

    def __init__(self, engine: Counts, queue: Counts, statuses: Statuses) -> None:
        self._engine, self._queue, self._statuses = engine, queue, statuses

    def collect(self) -> Iterable[Metric]:
        """One family for each value."""
        queue, engine = self._queue(), self._engine()
        yield GaugeMetricFamily("graft_queue_waiting", "Requests that wait.", value=queue["waiting"])
        yield GaugeMetricFamily("graft_answering", "Requests that are being answered.", value=queue["answering"])
        ready = GaugeMetricFamily("graft_ready", "Whether a part of a domain answers.", labels=("domain", "part"))
        for status in self._statuses():
            ready.add_metric((status.domain, "model"), status.model.state == "ready")
            ready.add_metric((status.domain, "corpus"), status.corpus.state == "ready")
        yield ready
        if not engine:
            return
        asked, found = engine["prefix_cache_queries"], engine["prefix_cache_hits"]
        yield CounterMetricFamily("graft_prefix_cache_queries", "Prompt tokens looked up in vLLM's cache.", value=asked)
        yield CounterMetricFamily("graft_prefix_cache_hits", "Prompt tokens found in vLLM's cache.", value=found)
        rate = found / asked if asked else 0.0
        yield GaugeMetricFamily("graft_prefix_cache_hit_rate", "Share found since vLLM started.", value=rate)

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not ask vLLM."""
        return []
