"""How far a run is, as a terminal shows it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from jobs.records import Run
from jobs.run_record import Progress
from jobs.spoken_time import span
from larder.console import err, note

_LINE_EACH_PERCENT = 10

Tell = Callable[[Progress], None]


@contextmanager
def run_progress(job: str) -> Iterator[Tell]:
    """A bar on a terminal, a line now and then elsewhere; both on stderr."""
    if not err.is_terminal:
        yield _Lines(job)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[counts]}"),
        TextColumn("{task.fields[pace]}"),
    )
    with Bar(*columns, console=err, transient=True) as bar:
        task = bar.add_task(job, total=None, counts="starting R", pace="")
        yield lambda now: bar.update(
            task,
            total=now.total or None,
            completed=now.done,
            counts=_counts(now),
            pace=pace(now.rate, now.left_s),
        )


class _Lines:
    """Tells the progress in plain lines, one for each tenth of the work."""

    def __init__(self, job: str) -> None:
        self._job = job
        self._told = 0

    def __call__(self, now: Progress) -> None:
        percent = 100 * now.done // now.total if now.total else 100
        if percent >= self._told + _LINE_EACH_PERCENT or now.done == now.total > 0:
            self._told = percent
            told = f"{self._job}: {now.done:,} of {now.total:,} ({_counts(now)})"
            note("; ".join(filter(None, (told, _pace_left(now)))))


def _counts(now: Progress) -> str:
    failed = f", {now.failed:,} failed" if now.failed else ""
    return f"{now.computed:,} computed, {now.fresh:,} fresh{skipped(now)}{failed}"


def _pace_left(now: Progress) -> str:
    return pace(now.rate, now.left_s) if now.done < now.total else ""


def pace(rate: float | None, left_s: float | None) -> str:
    """How fast it goes, and how long it will; nothing where that cannot be told yet."""
    if not rate or left_s is None:
        return ""
    return f"{rate:,.{1 if rate < 10 else 0}f} a second, {span(left_s)} left"


def skipped(counts: Progress | Run) -> str:
    """The cells that were left as they are because their input is; nothing if there are none."""
    return f", {counts.skipped:,} skipped: input unchanged" if counts.skipped else ""
