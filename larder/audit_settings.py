"""The settings of the audit: what is on record, and for how long."""

from typing import Literal

from jobs.entry import Entry, PositiveDuration
from larder.setting import setting, time_setting


class AuditSettings(Entry):
    """What is on record."""

    hits: bool = setting(
        "hits", default=True, text="Whether prepared answers that were given at once are, too."
    )
    arguments: Literal["digest", "text"] = setting(
        "arguments", "digest", "Whether calls are there with their arguments, or a digest of them."
    )
    required: bool = setting(
        "required",
        default=False,
        text="Whether a request is refused that cannot be put on record, as on a full disk.",
    )
    keep_s: PositiveDuration = time_setting("keep", "400 days", "How long the audit is kept.")
