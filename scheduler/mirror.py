"""Schedule rows that say what the definitions say."""

import logging
from dataclasses import replace
from datetime import datetime

from jobs.records import ScheduleRow
from jobs.schedule_spec import ScheduleSpec
from scheduler.errors import TriggerInvalid
from scheduler.fire import schedule_specs
from scheduler.firing import Firing
from scheduler.triggers import next_fire

log = logging.getLogger(__name__)


def mirror(firing: Firing) -> dict[str, ScheduleSpec]:
    """Writes a row for every schedule of every job, and returns their rules by id.

    A schedule that reads as before keeps its next fire, even one that has passed: that is how
    a missed fire is known. A rule that cannot be followed is told and never fires.
    """
    now = firing.clock()
    known = {row.id: row for row in firing.catalog.schedules()}
    specs: dict[str, ScheduleSpec] = {}
    rows: list[ScheduleRow] = []
    for job in firing.jobs().values():
        for schedule_id, spec in schedule_specs(job).items():
            row = ScheduleRow(schedule_id, job.name, spec.kind, spec.rule, spec.timezone)
            try:
                row = _with_next_fire(row, known.get(schedule_id), spec, now)
                specs[schedule_id] = spec
            except TriggerInvalid as error:
                log.error("schedule cannot be followed schedule=%s reason=%s", schedule_id, error)  # noqa: TRY400 - no traceback helps here
            rows.append(row)
    firing.catalog.mirror_schedules(rows)
    firing.catalog.mirror_followed({id_: spec.after for id_, spec in specs.items() if spec.after})
    return specs


def _with_next_fire(
    row: ScheduleRow, known: ScheduleRow | None, spec: ScheduleSpec, now: datetime
) -> ScheduleRow:
    if known is not None and known.next_fire is not None and _rule(known) == _rule(row):
        return replace(row, next_fire=known.next_fire)
    return replace(row, next_fire=next_fire(spec, now))


def _rule(row: ScheduleRow) -> tuple[str, str, str]:
    return row.kind, row.text, row.timezone
