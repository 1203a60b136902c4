"""An open project: what a command looks at that asks no R."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from jobs.job import Job
from jobs.job_set import JobSet
from jobs.pantry import Pantry
from jobs.repository import Catalog
from larder.current_project import current_project
from larder.settings import load_settings
from larder.state import make_state_folder
from larder.wiring import open_catalog, open_pantry, open_pool


@dataclass(frozen=True)
class OpenProject:
    """The catalog and the pantry of a project, and the job that is looked at."""

    catalog: Catalog
    pantry: Pantry
    job: Job


@contextmanager
def open_project(folder: Path, job: str) -> Iterator[OpenProject]:
    """Opens the project in `folder` while the block runs.

    Raises:
        SettingsInvalid, ProjectInvalid: Its files hold mistakes.
        JobNotFound: It has no such job.
        CacheError, CatalogError: What it keeps cannot be opened.
    """
    settings = load_settings(folder)
    jobs = JobSet(current_project(settings).jobs.values())
    definition = jobs.job(job)
    make_state_folder(settings.state_folder)
    with (
        closing(open_catalog(settings)) as catalog,
        closing(open_pantry(settings, open_pool(settings), jobs)) as pantry,
    ):
        yield OpenProject(catalog, pantry, definition)
