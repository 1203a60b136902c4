"""Work on several things at a time, taking each from where it comes as late as possible."""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_parallel(
    work: Callable[[T], R], things: Iterable[T], *, workers: int
) -> Generator[R, None, None]:
    """What `work` makes of the things, in the order it gets ready.

    `things` is read by the calling thread, one ahead of the workers, which share its context (such
    as the errand that it is on). Should one piece of work
    fail, nothing new is begun, what the others make still comes, and then its error is raised.
    Close it where the rest is not wanted: that waits for what is under way.
    """
    failure: BaseException | None = None
    going: set[Future[R]] = set()
    with ThreadPoolExecutor(workers, "run") as threads:
        for thing in things:
            going.add(threads.submit(copy_context().run, work, thing))
            if len(going) <= workers:
                continue
            done, going = wait(going, return_when=FIRST_COMPLETED)
            for one in done:
                failure = failure or one.exception()
                if one.exception() is None:
                    yield one.result()
            if failure:
                break
        for one in going:
            failure = failure or one.exception()
            if one.exception() is None:
                yield one.result()
    if failure:
        raise failure
