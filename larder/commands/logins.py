"""`larder logins`: who is signed in with a browser, and the end of it."""

from collections.abc import Sequence
from contextlib import closing
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from api.logins import COUNTER
from cache.clock import utcnow
from cache.generations import Generations
from jobs.login import Login
from jobs.spoken_time import ago
from larder.commands.arguments import HERE, AsJson, ProjectOption
from larder.console import counted, print_json, print_table, say
from larder.errors import Misused, NoSuchLogin
from larder.settings import load_settings
from larder.state import make_state_folder
from larder.times import iso, to_come
from larder.wiring import open_catalog


class Action(StrEnum):
    """What can be done to logins."""

    END = "end"


def logins(
    action: Annotated[
        Action | None,
        typer.Argument(help="Have somebody sign in again, at once.", show_default=False),
    ] = None,
    name: Annotated[str | None, typer.Argument(help="Who.", show_default=False)] = None,
    *,
    json: AsJson = False,
    project: ProjectOption = HERE,
) -> None:
    """Show who is signed in with a browser, or end all logins of somebody.

    Examples:
        larder logins
        larder logins --json --project examples/scoring
        larder logins end login.example.com/ann
    """
    settings = load_settings(project)
    make_state_folder(settings.state_folder)
    with closing(open_catalog(settings)) as catalog:
        if action is None:
            _show(catalog.logins(), json=json)
        elif name is None:
            raise Misused("whose logins? give a name, as `larder logins` shows it")
        elif json:
            raise Misused("`larder logins end` prints nothing for --json to change")
        else:
            ended = catalog.end_logins(name)
            if not ended:
                raise NoSuchLogin(name)
            with closing(Generations(settings.state_folder / "generations")) as generations:
                generations.bump(COUNTER)
            say(f"{counted(ended, 'login')} of {name} ended")


def _show(found: Sequence[Login], *, json: bool) -> None:
    if json:
        print_json({"logins": [_for_programs(login) for login in found]})
    elif found:
        print_table(_table(found))
    else:
        say("nobody is signed in")


def _for_programs(login: Login) -> dict[str, object]:
    return {
        "name": login.name,
        "role": login.role,
        "with_key": login.key_id is not None,
        "created_at": iso(login.created_at),
        "expires_at": iso(login.expires_at),
    }


def _table(found: Sequence[Login]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("name", "role", "by", "signed in", "until"):
        table.add_column(column)
    now = utcnow()
    for login in found:
        by = "issuer" if login.key_id is None else "key"
        until = to_come(login.expires_at, now)
        table.add_row(Text(login.name), login.role, by, ago(login.created_at, now), until)
    return table
