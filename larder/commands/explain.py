"""`larder explain`: why an answer is there or not, and what made it."""

from typing import Annotated

import typer
from rich.text import Text

from api.explain_view import STATES, explain_view
from cache.entry import State
from jobs.explain import Explanation
from jobs.explain import explain as explain_call
from jobs.making import Making
from jobs.r_values import plain_values
from jobs.shown import shown
from jobs.spoken_time import ago, span
from jobs.why import Why
from larder.commands.arguments import HERE, AsJson, ProjectOption, as_pair
from larder.console import print_json, say
from larder.open_project import open_project
from larder.times import local, to_come

_STYLES = {State.FRESH: "green", State.STALE: "yellow", State.MISS: "red"}
_WHY = {
    Why.FRESH: "it is current",
    Why.AGED: "its `fresh_for` is over",
    Why.CHANGED: "another version of the job made it",
    Why.EXPIRED: "it has been stale for longer than it may be served",
    Why.NEVER: "a run of the job is to compute it, and none has",
    Why.NOT_PREPARED: "it is no cell of the grid, and nobody has asked for it yet",
    Why.NOT_IN_SOURCE: "the table has no such row",
    Why.NOT_ALLOWED: "the job does not take these arguments",
}
_ON_ASKING = {
    "served": "it is served as it is",
    "served_and_renewed": "it is served at once, and renewed behind that",
    "computed": "R computes it",
    "refused": "it is refused",
}


def explain(
    job: Annotated[str, typer.Argument(metavar="JOB", help="The job's name.", show_default=False)],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=VALUE]...", help="The arguments; of a rows job, its key."),
    ] = None,
    *,
    json: AsJson = False,
    project: ProjectOption = HERE,
) -> None:
    """Explain what a call finds: hit, stale or miss and why, what is near, and what made it.

    R is not called, and nothing is computed.

    Examples:
        larder explain weight_gain treatment=CBT prewt=80
        larder explain weight_gain treatment=CBT prewt=80.5 --json
        larder explain diamond_prices id=4711
    """
    pairs = [as_pair(argument) for argument in arguments or ()]
    with open_project(project, job) as opened:
        seen = explain_call(opened.pantry, opened.catalog, job, pairs)
    if json:
        print_json(explain_view(seen))
    else:
        _print(seen)


def _print(seen: Explanation) -> None:
    headline = Text(f"{seen.job.name}: ", style="bold")
    headline.append(STATES[seen.state], style=f"not bold {_STYLES[seen.state]}")
    say(headline.append(f", {_WHY[seen.why]}", style="not bold default"))
    for fault in seen.faults:
        say(Text(f"  {fault}", style="red"))
    _line("arguments", _told(plain_values(seen.arguments)))
    if seen.cache_key is not None:
        _line("cache key", seen.cache_key)
    if not seen.faults:
        _line("prepared", "yes, by the job's runs" if seen.prepared else "no")
        _line("when asked", _ON_ASKING[seen.on_asking])
    if seen.error is not None:
        _line("last error", seen.error)
    if seen.nearest is not None:
        _line("nearest", _told(plain_values(seen.nearest.arguments)))
        for one in seen.nearest.differences:
            pair = plain_values({"asked": one.asked, "prepared": one.prepared})
            told = f"{shown(pair['prepared'])} instead of {shown(pair['asked'])}"
            _line("differs in", f"{one.argument}: {told}")
    if seen.made_by is not None:
        _print_making(seen, seen.made_by)


def _print_making(seen: Explanation, made: Making) -> None:
    _line("computed", f"{local(made.computed_at)} ({ago(made.computed_at, seen.now)})")
    _line("fresh until", to_come(made.fresh_until, seen.now, past="over"))
    _line("stale until", to_come(made.stale_until, seen.now, past="over"))
    _line("made by", f"run {made.run_id}" if made.run_id is not None else "no run that is known")
    current = seen.version is not None and seen.version.digest == made.version
    _line("version", f"{made.version} ({'the current one' if current else 'not the current one'})")
    if made.changed:
        _line("changed since", ", ".join(made.changed))
    if made.code is not None:
        code = made.code
        release = f", release {code['release']}" if code["release"] else ""
        _line("code", f"{code['package']} {code['version']}{release}, {code['r']}")
    _line("seed", "none" if made.seed is None else str(made.seed))
    if made.duration_s is not None:
        batch = f", for a batch of {made.batch_rows:,} rows" if made.batch_rows else ""
        _line("R took", f"{span(made.duration_s)}{batch}")
    if made.session_key is not None:
        _line("session", f"/ocpu/tmp/{made.session_key}/")


def _line(name: str, told: str) -> None:
    say(Text(f"  {name:<14}", style="cyan").append(told, style="default"))


def _told(values: dict[str, object]) -> str:
    """As they would be written on the command line."""
    pairs = (
        f"{name}={value if isinstance(value, str) else shown(value)}"
        for name, value in values.items()
    )
    return " ".join(pairs) or "none"
