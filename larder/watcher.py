"""Watcher: says that larder.yaml or a job file changed, by the kernel's own notice."""

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import watchfiles

from jobs.project import SETTINGS_FILE

log = logging.getLogger(__name__)

TOGETHER_MS = 50  # an editor's write, rename and chmod are one change
LOOK_MS = 500  # how soon it notices that it is to stop


class Watcher:
    """Watches a project's files in a thread of its own.

    Args:
        folder: The project.
        changed: Called after every change, from that thread, with the names of what changed; first
            with "jobs/", as soon as nothing can be missed any more.
    """

    def __init__(self, folder: Path, changed: Callable[[set[str]], None]) -> None:
        self._folder = folder
        self._changed = changed
        self._unseen = True  # what came before the files were watched
        self._stop = Event()
        self._thread = Thread(target=self._watch, name="watcher", daemon=True)

    def start(self) -> None:
        """Begins to watch; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Ends, and waits until it has."""
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                self._until_folders_change()
            except (OSError, RuntimeError) as error:  # too many watches, the folder is gone, ...
                log.error("files are no longer watched reason=%s", error)  # noqa: TRY400 - no bug
                return

    def _until_folders_change(self) -> None:
        """Watches until `jobs/` comes or goes: it is watched itself from then on."""
        jobs = self._folder / "jobs"
        changes = watchfiles.watch(
            *(path for path in (self._folder, jobs) if path.is_dir()),
            watch_filter=self._is_ours,
            stop_event=self._stop,
            recursive=False,
            debounce=400,
            step=TOGETHER_MS,
            rust_timeout=LOOK_MS,
            yield_on_timeout=True,
            raise_interrupt=False,
        )
        for change in changes:
            names = {Path(path).name for _, path in change}
            if self._unseen:
                names.add("jobs/")
                self._unseen = False
            if names:
                self._changed(names)
            if "jobs" in names:
                self._unseen = True
                return

    def _is_ours(self, _change: watchfiles.Change, path: str) -> bool:
        changed = Path(path)
        if changed.name == "..data":  # how Kubernetes replaces mounted files
            return True
        if changed.parent == self._folder:
            return changed.name in (SETTINGS_FILE, "jobs")
        return changed.parent.name == "jobs" and changed.suffix in (".yaml", ".yml")
