"""The project that a command works on: as its job files say or, as a server has it, last said."""

from jobs.errors import ProjectInvalid
from jobs.kept_files import KeptFiles
from jobs.project import Project, read_project
from larder.console import counted, note
from larder.settings import Settings


def current_project(settings: Settings) -> Project:
    """The project; while its job files hold a mistake, with the last good ones, and a word of it.

    Raises:
        ProjectInvalid: They hold mistakes, and no server has ever taken them over without one.
    """
    name, zone = settings.project_name, settings.timezone
    reading = read_project(settings.folder, name=name, timezone=zone)
    if not reading.problems:
        return reading.project
    last = last_good_project(settings)
    if last is None:
        raise ProjectInvalid(reading.problems)
    mistakes = counted(len(reading.problems), "mistake")
    note(f"{mistakes} in the job files (see `larder check`): the last good ones are used")
    return last


def last_good_project(settings: Settings) -> Project | None:
    """The project as it was when a server last found no mistake in its job files, if one did."""
    kept = KeptFiles.read(settings.state_folder)
    if kept is None:
        return None
    name, zone = settings.project_name, settings.timezone
    return kept.project(settings.folder, name=name, timezone=zone)
