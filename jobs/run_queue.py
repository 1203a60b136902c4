"""The order in which runs that wait are begun."""

from collections.abc import Iterable, Mapping

from engine.call import Priority
from jobs.job import Job
from jobs.records import Run


def in_order(waiting: Iterable[Run], jobs: Mapping[str, Job]) -> list[Run]:
    """Returns the runs in the order of their turns: by their jobs' priority, then as they came."""

    def turn(run: Run) -> tuple[int, int]:
        job = jobs.get(run.job)
        return int(job.priority if job else Priority.SCHEDULED), run.id

    return sorted(waiting, key=turn)
