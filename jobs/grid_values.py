"""GridValues: the values that the axes of grids had when they were last read from outside."""

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from threading import Lock

from cache.border import disk_border
from cache.generations import Generations
from cache.keys import Value
from jobs.axis_source import AxisSource
from jobs.call import is_prepared
from jobs.errors import RowsUnreadable, ValueInvalid
from jobs.grid import Grid, combinations
from jobs.job import Job
from jobs.job_set import JobSet
from jobs.r_expression import AsksR

log = logging.getLogger(__name__)

COUNTER = "values of grids"
"""Its name among the generations: counted up when a run read other values."""


class GridValues:
    """Reads axes from outside before a run, and remembers what it read for all processes.

    A source that cannot be read thus leaves the values as they were last.

    Args:
        folder: Has a file for each job.
        generations: Are told of other values.
        r: Makes the tables that R makes.
    """

    def __init__(self, folder: Path, generations: Generations, r: AsksR) -> None:
        self._folder = folder
        self._generations = generations
        self._r = r
        self._turn = Lock()
        self._filled: tuple[JobSet, int, JobSet] | None = None

    def filled(self, jobs: JobSet) -> JobSet:
        """The jobs, with the values read last in their grids; some µs when nothing changed."""
        generation = self._generations.read(COUNTER)
        known = self._filled
        if known is None or known[0] is not jobs or known[1] != generation:
            with self._turn:
                reads = any(map(_sources, jobs.values()))
                filled = JobSet(map(self._with_known, jobs.values())) if reads else jobs
                known = self._filled = (jobs, generation, filled)
        return known[2]

    def read(self, job: Job) -> Job:
        """The job with the values that its sources have now, which are then the known ones.

        Raises:
            RowsUnreadable: A source cannot be used; what is known stays.
            EngineError: R had to be asked and could not.
            StoreFull, StoreUnavailable: The values cannot be written down.
        """
        if not _sources(job):
            return job
        values = {name: source.values(self._r) for name, source in _sources(job).items()}
        read = _with(job, values)
        if values != self._known(job):
            self._write(job, values)
            log.info("values read job=%s axes=%s", job.name, ",".join(values))
            self._generations.bump(COUNTER)
        return read

    def _with_known(self, job: Job) -> Job:
        if not _sources(job):
            return job
        try:
            return _with(job, self._known(job))
        except RowsUnreadable:  # another axis of the grid was made longer since
            return job

    def _known(self, job: Job) -> dict[str, tuple[Value, ...]]:
        try:
            written = json.loads(self._file(job).read_bytes())
            return {
                name: tuple(written[name]["values"])
                for name, source in _sources(job).items()
                if name in written and written[name]["source"] == source.digest
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("values not known job=%s reason=%s", job.name, error)
            return {}

    def _write(self, job: Job, values: Mapping[str, tuple[Value, ...]]) -> None:
        sources = _sources(job)
        text = {
            name: {"source": sources[name].digest, "values": list(listed)}
            for name, listed in values.items()
        }
        file = self._file(job)
        with disk_border(file):
            file.parent.mkdir(mode=0o700, exist_ok=True)
            aside = file.with_suffix(".new")
            aside.write_text(json.dumps(text))
            aside.replace(file)

    def _file(self, job: Job) -> Path:
        return self._folder / f"{job.name}.json"


def _sources(job: Job) -> Mapping[str, AxisSource]:
    axes = job.grid.axes if job.grid else ()
    return {axis.name: axis.source for axis in axes if axis.source is not None}


def _with(job: Job, values: Mapping[str, tuple[Value, ...]]) -> Job:
    """The job with these values on its axes; included cells that are now combinations are not two.

    Raises:
        RowsUnreadable: They make too many cells.
    """
    grid = job.grid or Grid()
    axes = tuple(replace(axis, values=values.get(axis.name, axis.values)) for axis in grid.axes)
    try:
        combinations([len(axis.values) for axis in axes])
    except ValueInvalid as error:
        raise RowsUnreadable(", ".join(values), error.reason, error.hint) from error
    alone = replace(job, grid=Grid(axes, grid.excluded))
    included = tuple(one for one in grid.included if not is_prepared(alone, one))
    return replace(job, grid=Grid(axes, grid.excluded, included))
