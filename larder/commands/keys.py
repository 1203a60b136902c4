"""`larder keys`: who may ask this server, shown, made, exchanged and revoked."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer

from api.key_document import key_document, new_key_document
from cache.clock import utcnow
from cache.generations import Generations
from jobs.access_key import AccessKey
from jobs.duration import format_duration, parse_duration
from jobs.job_set import JobSet
from jobs.key_book import KeyBook, NewKey
from jobs.key_request import (
    KeyRequest,
    read_expiry,
    read_functions,
    read_jobs,
    read_name,
    read_origins,
    read_role,
)
from jobs.rate import parse_r_seconds, parse_rate
from larder.commands.arguments import HERE, AsJson, ProjectOption
from larder.console import note, print_json, print_table, say
from larder.current_project import current_project
from larder.errors import Misused
from larder.keys_shown import keys_table
from larder.on_record import on_record
from larder.settings import Settings, load_settings
from larder.state import make_state_folder
from larder.times import local
from larder.wiring import open_catalog

OVERLAP = "24 hours"
ROLES = "viewer, caller, analyst, operator or admin"


class Action(StrEnum):
    """What can be done about keys."""

    LIST = "list"
    ADD = "add"
    REVOKE = "revoke"
    ROTATE = "rotate"


def keys(
    action: Annotated[Action, typer.Argument(help="What to do.")] = Action.LIST,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME | NUMBER]", help="Whose key, or its number.", show_default=False
        ),
    ] = None,
    *,
    role: Annotated[
        str | None, typer.Option(help=f"What it may do: {ROLES}.", show_default=False)
    ] = None,
    functions: Annotated[
        list[str] | None,
        typer.Option(help="Functions it may call, as 'stats::*,base::sum'.", show_default="all"),
    ] = None,
    jobs: Annotated[
        list[str] | None,
        typer.Option(help="Jobs it may read, as 'churn,weight_*'.", show_default="all"),
    ] = None,
    origins: Annotated[
        list[str] | None,
        typer.Option(help="Web pages it is for, as https://app.example.com.", show_default="any"),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(help="When: a time from now, as 90d, or a date.", show_default="never"),
    ] = None,
    rate: Annotated[
        str | None, typer.Option(help="Requests it may make, as 100/minute.", show_default="any")
    ] = None,
    concurrent: Annotated[
        int | None,
        typer.Option(min=1, help="Calls that run at a time; others wait.", show_default="any"),
    ] = None,
    r_seconds: Annotated[
        str | None, typer.Option(help="Seconds of R in a day, as 3600/day.", show_default="any")
    ] = None,
    overlap: Annotated[
        str | None, typer.Option(help="How long the old key still opens.", show_default=OVERLAP)
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="List those that are refused, too.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the key alone.")] = False,
    json: AsJson = False,
    project: ProjectOption = HERE,
) -> None:
    """Show the keys of a server, make one, exchange one for a new one, or revoke one.

    It works whether the server runs or not, and counts from the next request on. The text of a new
    key is printed once, alone on stdout, and stored nowhere.

    Examples:
        larder keys add dashboard --role viewer --jobs 'churn,weight_*' --expires 90d
        larder keys add app --role caller --functions 'stats::*,base::sum' --rate 100/minute
        KEY=$(larder keys add me --role admin --quiet)
        larder keys list --all
        larder keys rotate app --overlap 24h
        larder keys revoke app
    """
    limits = (rate, concurrent, r_seconds)
    wish = _Wish(role, functions, jobs, origins, expires, *limits, overlap)
    if action is not Action.LIST and name is None:
        raise Misused(f"whose key? larder keys {action} NAME")
    wish.check(action)
    settings = load_settings(project)
    if action is Action.LIST:
        with _book(settings) as book:
            found = [key for key in book.keys(invalid=every) if name in (None, key.name)]
            _list(found, book.taken_today(), json=json)
        return
    assert name is not None  # noqa: S101 - as was just looked at
    if action is Action.ADD:
        request = wish.request(name, settings)
        with on_record(settings, "add key", name), _book(settings) as book:
            made = book.add(request)
        _tell_new(made, settings, json=json, quiet=quiet)
    elif action is Action.ROTATE:
        _rotate(name, wish, settings, json=json, quiet=quiet)
    else:
        if json:
            raise Misused("`larder keys revoke` prints nothing for --json to change")
        with on_record(settings, "revoke key", name), _book(settings) as book:
            revoked = book.revoke(name)
        for key in revoked:
            say(f"the key #{key.id} of {key.name} is refused from now on")


@dataclass(frozen=True)
class _Wish:
    """The options of one command line, as they were written."""

    role: str | None
    functions: list[str] | None
    jobs: list[str] | None
    origins: list[str] | None
    expires: str | None
    rate: str | None
    concurrent: int | None
    r_seconds: str | None
    overlap: str | None

    def check(self, action: Action) -> None:
        """Does nothing if every option that was given says something about the action."""
        of_add = ("role", "functions", "jobs", "origins", "rate", "concurrent", "r_seconds")
        known = {Action.ADD: (*of_add, "expires"), Action.ROTATE: ("overlap", "expires")}
        for option, value in vars(self).items():
            if value and option not in known.get(action, ()):
                raise Misused(
                    f"--{option.replace('_', '-')} says nothing about `larder keys {action}`"
                )
        if action is Action.ADD and self.role is None:
            raise Misused(f"what may it do? give --role: {ROLES}")

    def request(self, name: str, settings: Settings) -> KeyRequest:
        names = JobSet(current_project(settings).jobs.values()) if self.jobs else ()
        return KeyRequest(
            name=read_name(name),
            role=read_role(self.role or ""),
            functions=read_functions(self.functions or ()),
            jobs=read_jobs(self.jobs or (), names),
            origins=read_origins(self.origins or ()),
            rate=None if self.rate is None else str(parse_rate(self.rate)),
            concurrent=self.concurrent,
            r_seconds=None if self.r_seconds is None else parse_r_seconds(self.r_seconds),
            expires_at=None
            if self.expires is None
            else read_expiry(self.expires, utcnow(), settings.timezone),
        )


def _rotate(name: str, wish: _Wish, settings: Settings, *, json: bool, quiet: bool) -> None:
    overlap_s = parse_duration(wish.overlap or OVERLAP)
    expires = wish.expires
    expires_at = None if expires is None else read_expiry(expires, utcnow(), settings.timezone)
    with on_record(settings, "rotate key", name), _book(settings) as book:
        made = book.rotate(name, overlap_s, expires_at=expires_at)
    if not quiet and not json:
        note(f"the key before it opens for {format_duration(overlap_s)} yet")
    _tell_new(made, settings, json=json, quiet=quiet)


def _tell_new(made: NewKey, settings: Settings, *, json: bool, quiet: bool) -> None:
    if json:
        print_json(new_key_document(made, utcnow()).model_dump(mode="json"))
        return
    if not quiet:
        key = made.key
        until = f", until {local(key.expires_at)}" if key.expires_at else ""
        note(f"#{key.id} {key.name}, {key.role}{until}; this is its text, shown only now:")
        missing = set(key.origins) - set(settings.access.origins)
        if missing and "*" not in settings.access.origins:
            names = ", ".join(sorted(missing))
            note(f"no page of {names} may call yet: larder.yaml has to name it in access.origins")
    say(made.secret)
    if not quiet:
        note("send it as 'Authorization: Bearer KEY'; from now on every request needs a key")


@contextmanager
def _book(settings: Settings) -> Iterator[KeyBook]:
    make_state_folder(settings.state_folder)
    with (
        closing(open_catalog(settings)) as catalog,
        closing(Generations(settings.state_folder / "generations")) as generations,
    ):
        yield KeyBook(catalog, generations, utcnow)


def _list(found: list[AccessKey], taken: Mapping[str, float], *, json: bool) -> None:
    if json:
        now = utcnow()
        shown = [key_document(key, now, taken.get(key.name, 0.0)) for key in found]
        print_json({"keys": [one.model_dump(mode="json") for one in shown]})
    elif found:
        print_table(keys_table(found, taken, utcnow()))
    else:
        say("no key; `larder keys add NAME --role caller` makes one")
