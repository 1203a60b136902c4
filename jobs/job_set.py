"""JobSet: the jobs as they are defined at one moment, by name and by function."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from jobs.errors import JobNotFound
from jobs.job import Job
from jobs.nearest import nearest


class JobSet(Mapping[str, Job]):
    """Jobs by name; never changes: a changed project makes a new one.

    Several jobs may declare one function. They are asked in the order in which they were read.
    """

    def __init__(self, jobs: Iterable[Job] = ()) -> None:
        self._by_name = {job.name: job for job in jobs}
        by_function: dict[str, tuple[Job, ...]] = {}
        for job in self._by_name.values():
            by_function[job.qualified] = (*by_function.get(job.qualified, ()), job)
        self.by_function: Mapping[str, tuple[Job, ...]] = MappingProxyType(by_function)

    def __getitem__(self, name: str) -> Job:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def job(self, name: str) -> Job:
        """The job called `name`.

        Raises:
            JobNotFound: There is none.
        """
        if name not in self._by_name:
            raise JobNotFound(name, nearest(name, self._by_name))
        return self._by_name[name]

    def declaring(self, function: str) -> tuple[Job, ...]:
        """The jobs that declare the function "package::name"."""
        return self.by_function.get(function, ())
