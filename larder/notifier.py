"""The notifier: looks for what there is to tell, and sends it, in a thread of its own.

What is to be told is put into the catalog in the transaction that notes why, so a restart neither
loses a message nor makes it twice. Sending is noted when the other side has taken it: a process
that dies between the two sends it once more, under the same id.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from threading import Event, Thread
from typing import Final

from cache.errors import CacheError
from engine.errors import EngineBusy, EngineUnavailable
from jobs.errors import CatalogError
from jobs.going_stale import FreshUntil
from jobs.job import Job
from jobs.notices import Message, Notices
from jobs.records import OutboxMessage
from jobs.repository import Catalog
from jobs.status import MessageStatus, RunStatus
from larder.errors import NotDelivered
from larder.mail import send
from larder.settings_file import MailSettings
from larder.webhook import post

log = logging.getLogger(__name__)

EVERY_S: Final = 5.0
STALE_AFTER: Final = timedelta(minutes=1)
"""So long past their time answers are told to be stale: the run that comes just then may begin."""
FIRST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(hours=1)
GIVE_UP_AFTER: Final = timedelta(days=1)


class Notifier:
    """Tells whoever is to be told, while this process leads.

    Args:
        notices: Makes the messages.
        mail: How messages are mailed.
        leads: Whether this is the process that tells.
        every_s: How often it looks.
    """

    def __init__(
        self,
        notices: Notices,
        mail: MailSettings,
        leads: Callable[[], bool],
        *,
        every_s: float = EVERY_S,
    ) -> None:
        self._notices = notices
        self._catalog: Catalog = notices.catalog
        self._pantry = notices.pantry
        self._fresh_until = FreshUntil(notices.pantry)
        self._mail = mail
        self._leads = leads
        self._every_s = every_s
        self._stop = Event()
        self._thread = Thread(target=self._keep, name="notifier", daemon=True)

    def start(self) -> None:
        """Begins; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Sends nothing more. What is being sent may be cut off, and is sent again."""
        self._stop.set()

    def notice(self) -> None:
        """Puts out messages about the runs that ended and the answers that went stale.

        What ended more than a day ago is no news.

        Raises:
            CatalogError, CacheError: What there is to tell cannot be found out now.
        """
        for run_id in self._catalog.unnoticed_runs():
            run = self._catalog.run(run_id)
            job = self._pantry.jobs.get(run.job)
            now, ended = self._pantry.clock(), run.finished_at
            is_news = ended is not None and now - ended < GIVE_UP_AFTER
            try:
                message = self._notices.of_run(job, run) if job and is_news else None
            except (EngineUnavailable, EngineBusy) as error:  # of this run R is to be asked
                log.info("notice is late run=%d job=%s reason=%s", run_id, run.job, error)
                continue
            self._catalog.notice_run(run_id, _by_channel(job, message))
        told = self._catalog.alerts()
        at_work = {run.job for run in self._catalog.runs(status=[RunStatus.RUNNING], limit=1000)}
        for job in self._pantry.jobs.values():
            if (job.notify.stale or job.name in told) and job.name not in at_work:
                self._watch(job, is_told=job.name in told)
        for name in told.keys() - self._pantry.jobs.keys():
            self._catalog.end_alert(name)

    def deliver(self) -> None:
        """Sends what is due.

        Raises:
            CatalogError: The catalog cannot be used.
        """
        for message in self._catalog.messages(due=self._pantry.clock()):
            if self._stop.is_set():
                return
            self._send(message)

    def _keep(self) -> None:
        while not self._stop.wait(self._every_s):
            if self._leads():
                self._do(self.notice)
                self._do(self.deliver)

    def _do(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (CatalogError, CacheError) as error:
            log.warning("notices are late reason=%s", error)

    def _watch(self, job: Job, *, is_told: bool) -> None:
        """Tells once that answers are past their time, and again only after they were not."""
        since = self._fresh_until.of(job)
        now = self._pantry.clock()
        if since is None or now < since:
            if is_told:
                self._catalog.end_alert(job.name)
        elif not is_told and now > since + STALE_AFTER:
            message = self._notices.of_stale(job, since)
            if self._catalog.raise_alert(job.name, since, _by_channel(job, message)):
                log.warning("answers are stale job=%s since=%s", job.name, since)

    def _send(self, message: OutboxMessage) -> None:
        told = f"message={message.id} job={message.job} channel={message.channel}"
        try:
            said = self._sent(message)
        except NotDelivered as error:
            self._note_failure(message, error, told)
            return
        self._catalog.message_tried(message.id, MessageStatus.DELIVERED)
        log.info("message delivered %s %s", told, said)

    def _sent(self, message: OutboxMessage) -> str:
        job = self._pantry.jobs.get(message.job)
        if job is None or message.channel not in job.notify.channels:
            raise NotDelivered(f"the job names no {message.channel} any more", is_final=True)
        if job.notify.webhook is not None and message.channel == "webhook":
            return post(job.notify.webhook, message)
        return send(self._mail, job.notify.email, message)

    def _note_failure(self, message: OutboxMessage, error: NotDelivered, told: str) -> None:
        now = self._pantry.clock()
        pause = min(FIRST_PAUSE * 2 ** min(message.attempts, 20), LONGEST_PAUSE)
        if error.is_final or now + pause > message.created_at + GIVE_UP_AFTER:
            self._catalog.message_tried(message.id, MessageStatus.GIVEN_UP, error=str(error))
            log.error("message given up %s reason=%s", told, error)
            return
        self._catalog.message_tried(
            message.id, MessageStatus.WAITING, error=str(error), next_try=now + pause
        )
        log.warning(
            "message not delivered %s reason=%s again_in_s=%d", told, error, pause.total_seconds()
        )


def _by_channel(job: Job | None, message: Message | None) -> Mapping[str, Message]:
    if job is None or message is None:
        return {}
    return dict.fromkeys(job.notify.channels, message)
