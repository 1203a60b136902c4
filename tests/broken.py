"""The folder of broken job files: each case as a project of its own, and what is to be said."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

FOLDER = Path(__file__).parent / "broken_jobs"
COMMON = FOLDER / "project"
"""What every case has beside its jobs: settings, models and data that are right."""
ASKS_R = FOLDER / "ask_r"
"""Cases whose mistakes only R finds: all of them are one project, so that R starts once."""


def names_in(folder: Path) -> list[str]:
    """The cases of a folder: each has its expected messages in a file of its name."""
    return sorted(path.stem for path in folder.glob("*.txt"))


def expected(name: str, folder: Path = FOLDER) -> list[str]:
    """What is to be said about a case, a line for each mistake."""
    return (folder / f"{name}.txt").read_text(encoding="utf-8").splitlines()


def project_of(case: Path, folder: Path) -> Path:
    """The project that a case is: its file, or all that its folder has, beside what is right."""
    shutil.copytree(COMMON, folder, dirs_exist_ok=True)
    with closing(sqlite3.connect(folder / "data" / "visits.db")) as visits, visits:
        visits.execute("create table visits (id integer, day text)")
        visits.execute("insert into visits values (1, '2026-01-31')")
    if case.is_dir():
        shutil.copytree(case, folder, dirs_exist_ok=True)
    else:
        (folder / "jobs").mkdir()
        shutil.copy(case.with_suffix(".yaml"), folder / "jobs")
    return folder
