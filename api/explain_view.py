"""An explanation as /v1 and `larder explain --json` show it."""

from __future__ import annotations

from typing import Any

from cache.clock import to_text
from cache.entry import State
from jobs.explain import Explanation
from jobs.making import Making
from jobs.near_cell import NearCell
from jobs.r_values import plain_values

STATES = {State.FRESH: "hit", State.STALE: "stale", State.MISS: "miss"}


def explain_view(seen: Explanation) -> dict[str, Any]:
    """Returns what there is for a call, why, what is near, and what made it."""
    return {
        "job": seen.job.name,
        "function": seen.job.qualified,
        "arguments": plain_values(seen.arguments),
        "cache_key": seen.cache_key,
        "state": STATES[seen.state],
        "why": seen.why.value,
        "prepared": seen.prepared,
        "on_asking": seen.on_asking,
        "version": seen.version.digest if seen.version else None,
        "errors": [
            {"argument": fault.argument, "reason": fault.reason, "hint": fault.hint}
            for fault in seen.faults
        ],
        "last_error": seen.error,
        "nearest": _nearest(seen.nearest) if seen.nearest else None,
        "made_by": _making(seen.made_by) if seen.made_by else None,
    }


def _nearest(near: NearCell) -> dict[str, Any]:
    return {
        "arguments": plain_values(near.arguments),
        "differs_in": [
            {
                "argument": one.argument,
                **plain_values({"asked": one.asked, "prepared": one.prepared}),
            }
            for one in near.differences
        ],
    }


def _making(made: Making) -> dict[str, Any]:
    return {
        "version": made.version,
        "changed_since": list(made.changed),
        "run": made.run_id,
        "code": None if made.code is None else dict(made.code),
        "seed": made.seed,
        "duration_s": made.duration_s,
        "batch_rows": made.batch_rows,
        "computed_at": to_text(made.computed_at),
        "fresh_until": to_text(made.fresh_until),
        "stale_until": to_text(made.stale_until),
        "session": made.session_key and f"/ocpu/tmp/{made.session_key}/",
    }
