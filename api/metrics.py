"""/metrics: figures for Prometheus, read when they are asked for.

They are those of the whole server, so it does not matter which of its workers answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from api.services import Services
from cache.clock import Clock
from jobs.live_definitions import LiveDefinitions
from jobs.repository import Catalog

router = APIRouter()


class DefinitionsCollector(Collector):
    """Whether the job files are live as they are now.

    Args:
        state: The state folder, where the scheduler writes it down.
    """

    def __init__(self, state: Path) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        """Yields nothing before the job files were read."""
        live = LiveDefinitions.read(self._state)
        if live is None:
            return
        figures = {
            "valid": ("1 if the job files held no mistake when last read, else 0", live.valid),
            "problems": ("Mistakes in the job files when last read", len(live.problems)),
            "jobs": ("Jobs that are live", live.jobs),
            "read_timestamp_seconds": ("When they were last read", live.read_at.timestamp()),
        }
        if live.live_since is not None:
            since = live.live_since.timestamp()
            figures["live_timestamp_seconds"] = ("When what is live was taken over", since)
        for name, (text, figure) in figures.items():
            yield GaugeMetricFamily(f"larder_definitions_{name}", text, value=float(figure))


class TakenCollector(Collector):
    """The time of R that each key had today.

    Args:
        catalog: Where it is kept.
        clock: Gives the moment.
    """

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """Yields a figure for each key that had some."""
        family = GaugeMetricFamily(
            "larder_r_seconds_today",
            "Seconds for which calls with a key held R, in this day of UTC",
            labels=["key"],
        )
        for name, seconds in self._catalog.r_taken(self._clock().date()).items():
            family.add_metric([name], seconds)
        yield family


@router.get("/metrics", tags=["server"], response_class=Response)
def metrics(request: Request) -> Response:
    """Figures for Prometheus, in its text format."""
    services: Services = request.app.state.services
    registry = CollectorRegistry(auto_describe=False)
    registry.register(DefinitionsCollector(services.state_folder))
    catalog: Catalog = request.app.state.catalog
    registry.register(TakenCollector(catalog, services.pantry.clock))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
