"""The explorer: a package, its functions and data, and a form made of a function's arguments."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from api.web.examples import Example
from engine.errors import EngineError
from engine.evaluation import Formal
from engine.pool import Pool

DOTS = "..."


@dataclass(frozen=True)
class PackagePage:
    """A package: what it says of itself, what can be called, what can be looked at."""

    name: str
    functions: tuple[str, ...]
    data: tuple[str, ...]
    topics: frozenset[str]


@dataclass(frozen=True)
class FunctionPage:
    """A function: its arguments, with what stands in the form, its help, the same call elsewhere.

    Attributes:
        package: Its package.
        name: Its own.
        formals: Its arguments; none where it is no function.
        given: What stands in the form.
        help: Its page of the manual as text; empty where it has none.
        examples: The call as it is in the form, in other languages.
    """

    package: str
    name: str
    formals: tuple[Formal, ...]
    given: Mapping[str, str]
    help: str
    examples: tuple[Example, ...]


def package_page(pool: Pool, package: str, search: str) -> PackagePage:
    """Asks R what a package has; `search` is a part of the names that are wanted.

    Raises:
        CallRefused: There is no such package.
    """
    objects = pool.names("list_objects", package=package)
    data = pool.names("list_data", package=package)
    topics = pool.names("list_topics", package=package)
    return PackagePage(
        package,
        tuple(_holding(search, (name for name in objects if name not in data))),
        tuple(_holding(search, data)),
        frozenset(topics),
    )


def function_page(
    pool: Pool, package: str, name: str, given: Mapping[str, str], base_url: str
) -> FunctionPage:
    """Asks R for the arguments and the help of a function.

    Raises:
        CallRefused: There is no such function.
    """
    contract = pool.contract(package, name)
    filled = {key: value for key, value in given.items() if value}
    return FunctionPage(
        package,
        name,
        contract.formals,
        given,
        _help(pool, package, name),
        tuple(call_examples(f"{base_url}/ocpu/library/{package}/R/{name}", filled)),
    )


def call_examples(url: str, given: Mapping[str, str]) -> Sequence[Example]:
    """Returns a call of a function in the languages of those who use it."""
    package, _, name = url.rpartition("/library/")[2].partition("/R/")
    arguments = ", ".join(
        value if formal.startswith(DOTS) else f"{formal} = {value}"
        for formal, value in given.items()
    )
    fields = "".join(
        f" \\\n  --data-urlencode '{key}={_quoted(value)}'" for key, value in given.items()
    )
    body = json.dumps(dict(given))
    return (
        Example("R", f"{package}::{name}({arguments})"),
        Example("curl", f"curl {url}/json{fields or ' -X POST'}"),
        Example("Python", f'import requests\nrequests.post("{url}/json", data={body}).json()'),
        Example(
            "JavaScript",
            f"const body = new URLSearchParams({body});\n"
            f'await (await fetch("{url}/json", {{method: "POST", body}})).json();',
        ),
    )


def form_of(pairs: Iterable[tuple[str, str]]) -> bytes:
    """Returns the fields of a form that are filled in, as a call has them."""
    return urlencode([(name, value) for name, value in pairs if value.strip()]).encode()


def _quoted(value: str) -> str:
    return value.replace("'", "'\\''")


def _holding(search: str, names: Iterable[str]) -> Iterable[str]:
    return sorted((name for name in names if search.lower() in name.lower()), key=str.lower)


def _help(pool: Pool, package: str, name: str) -> str:
    try:
        page = str(pool.read("find_topic", package=package, topic=name)["topic"])
        fields = {"package": package, "topic": page, "format": "text"}
        return pool.render("render_topic", fields).content.decode("utf-8", "replace")
    except EngineError:
        return ""
