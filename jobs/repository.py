"""The catalog: every question about jobs, schedules, runs and outcomes that a database answers.

One class, made of one file per noun: `version_rows`, `schedule_rows`, `follow_rows`, `run_rows`,
`queue_rows`, `fence_rows`, `cell_rows`, `failure_rows`, `lease_rows`, `live_rows`, `outbox_rows`,
`key_rows`, `login_rows`, `r_taken_rows`, `audit_rows`, over `database`. Each method is a
transaction of its own and answers with frozen values, most of them of `jobs.records`. The scheduler
and `larder run` write; the API asks for runs and cancels them; all may read.
"""

from jobs.audit_rows import AuditRows
from jobs.cell_rows import CellRows
from jobs.fence_rows import FenceRows
from jobs.follow_rows import FollowRows
from jobs.key_rows import KeyRows
from jobs.lease_rows import LeaseRows
from jobs.live_rows import LiveRows
from jobs.login_rows import LoginRows
from jobs.outbox_rows import OutboxRows
from jobs.queue_rows import QueueRows
from jobs.r_taken_rows import RTakenRows
from jobs.run_rows import RunRows
from jobs.schedule_rows import ScheduleRows
from jobs.version_rows import VersionRows


class Catalog(
    VersionRows,
    ScheduleRows,
    FollowRows,
    RunRows,
    QueueRows,
    FenceRows,
    CellRows,
    LeaseRows,
    LiveRows,
    OutboxRows,
    KeyRows,
    LoginRows,
    RTakenRows,
    AuditRows,
):
    """The project's catalog, by database URL; safe to share between threads, not after a fork.

    Call `migrate()` once before use and `close()` at the end. Any method raises
    `CatalogUnavailable` when the database does not answer as it should.
    """
