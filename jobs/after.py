"""What is wrong with jobs that run after others: names that nobody has, and circles."""

from collections.abc import Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from jobs.job import Job
from jobs.nearest import did_you_mean
from jobs.problem import Problem


def after_problems(jobs: Mapping[str, Job], names: Collection[str]) -> dict[Problem, list[str]]:
    """The problems, each with the jobs that it concerns.

    Args:
        jobs: Those that are right so far.
        names: Of all that are written, right or not.
    """
    problems: dict[Problem, list[str]] = {}
    for job in jobs.values():
        for name, path in job.follows.items():
            if name not in names:
                hint = did_you_mean(name, names, otherwise="it names a job of this project")
                problem = job.source.problem(path, f"there is no job '{name}' to run after", hint)
                problems[problem] = [job.name]
    for circle in _circles({job.name: list(job.follows) for job in jobs.values()}):
        job = jobs[circle[0]]
        path = job.follows[circle[1 % len(circle)]]
        around = " after ".join([*circle, circle[0]])
        message = f"these jobs wait for each other in a circle: {around}"
        if len(circle) == 1:
            message = f"this job waits for itself: {around}"
        hint = "one of them needs another schedule"
        problems[job.source.problem(path, message, hint)] = circle
    return problems


def _circles(follows: Mapping[str, Collection[str]]) -> Iterator[list[str]]:
    """Circles that have no job in common, each beginning with the first of its names."""
    left = dict(follows)
    while True:
        try:
            TopologicalSorter(left).prepare()
        except CycleError as error:
            circle: list[str] = error.args[1][:0:-1]  # the last of it is the first again
        else:
            return
        first = circle.index(min(circle))
        yield circle[first:] + circle[:first]
        for name in circle:
            del left[name]
