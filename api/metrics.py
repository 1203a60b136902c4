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
from jobs.live_definitions import LiveDefinitions

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


@router.get("/metrics", tags=["server"], response_class=Response)
def metrics(request: Request) -> Response:
    """Figures for Prometheus, in its text format."""
    services: Services = request.app.state.services
    registry = CollectorRegistry(auto_describe=False)
    registry.register(DefinitionsCollector(services.state_folder))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
