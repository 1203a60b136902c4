"""Formats made of what was kept of a cell: its session, or its value where it has none."""

from cache.entry import Entry
from engine.evaluation import RenderedBody
from engine.pool import Pool
from jobs.job import Job
from jobs.outputs import DRAWN, VALUE


def render_kept(pool: Pool, job: Job, entry: Entry, format_name: str) -> RenderedBody:
    """Returns an answer in a format that was not rendered ahead, where `can_be_made` says so.

    Raises:
        CallRefused, RError: The answer has no such form.
    """
    fields = {"name": ".val", "as": job.name, "format": format_name, "options": {}}
    if entry.session_key is None:
        value = {**fields, "name": job.name, "package": job.package}
        return pool.render("render_value", value, value=entry.bodies[VALUE].content)
    operation = "render_last_plot" if format_name in DRAWN else "render_session_object"
    return pool.render(operation, {**fields, "session_key": entry.session_key})
