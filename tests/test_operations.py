"""Who may ask for what: every role at every route, and no path that the gate takes for another."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from doors import House, ask, house
from fastapi.routing import iter_route_contexts
from starlette.types import ASGIApp

from api import ocpu, ocpu_package, ocpu_session
from api.app import own_api
from api.entrance import Entrance
from api.gate import Gate
from api.operations import RULES, UNKNOWN, operation_of
from jobs.role import Role

VALUES = {"job": "weight_gain", "run_id": "1", "key": "x1", "ending": "csv", "path": "a.css"}
VALUES |= {"package": "stats", "function": "sd"}


class Door(NamedTuple):
    """A method and a path, and the least role that gets through; None asks for no key."""

    method: str
    path: str
    least: Role | None


PACKAGE = ("R/", "R/f", "R/f/json", "data/", "data/d/csv", "info", "man/", "man/m/html", "html/")
SESSION = (
    *("", "R/", "R/.val/json", "graphics/1/png", "files/", "files/a", "zip", "tar", "info"),
    *ocpu_session.TEXTS,
)
OCPU = [
    *(Door("GET", path, None) for path in ("", "/", "/test", "/test/", "/test/index.html")),
    *(Door("OPTIONS", path, None) for path in ("/library/stats/R/sd", "/tmp/x0/", "/info")),
    *(Door("POST", path, None) for path in ("/webhook", "/webhook/")),
    *(Door("GET", path, Role.CALLER) for path in ("/info", "/doc/manual/R-intro", "/apps/")),
    *(Door("GET", f"/{section}/", Role.CALLER) for section in ("library", "lib", "user", "cran")),
    *(Door("GET", f"/library/stats/{rest}", Role.CALLER) for rest in PACKAGE),
    Door("GET", "/library/stats::sd/print", Role.CALLER),
    *(
        Door("GET", f"/{path}", Role.CALLER)
        for path in ("apps/o/r/www/", "github/o/r", "gist/u/1/")
    ),
    *(Door("GET", f"/{path}", Role.CALLER) for path in ("cran/p/R/f", "bioc/p/R/f", "user/u")),
    *(Door("POST", f"/{path}", Role.VIEWER) for path in ("library/p/R/f", "lib/p/R/f")),
    Door("POST", "/library/p/scripts/a.R", Role.VIEWER),
    *(Door("POST", f"/{path}/R/f", Role.CALLER) for path in ("apps/o/r", "github/o/r", "cran/p")),
    *(Door("POST", f"/{path}", Role.CALLER) for path in ("bioc/p/R/f", "gist/u/1/s")),
    Door("POST", "/user/u/library/p/R/f", Role.CALLER),
    *(Door("GET", f"/tmp/x0123456789abcd/{rest}", Role.CALLER) for rest in SESSION),
    Door("POST", "/tmp/x0123456789abcd/R/f", Role.CALLER),
    Door("POST", "/tmp/x0123456789abcd/files/a.R", Role.CALLER),
    Door("DELETE", "/tmp/x0123456789abcd", Role.CALLER),
]
"""What there is below /ocpu. Behind the gate its parts look at who asks once more."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("house")) as opened:
        yield opened


@pytest.fixture(scope="module")
def keys(home: House) -> dict[Role, str]:
    return {role: home.key(role) for role in Role}


@pytest.fixture(scope="module")
def gate(home: House, keys: dict[Role, str]) -> Gate:
    return home.gate()


@pytest.fixture(scope="module")
def application(home: House, keys: dict[Role, str]) -> ASGIApp:
    return home.application()


def routes(home: House) -> set[tuple[str, str]]:
    """Methods and paths of the whole application but /ocpu; HEAD is wherever GET is."""
    services = home.services()
    entrance = Entrance.of(services, home.catalog)
    api = own_api(services, home.catalog, entrance, version="0")
    found = set()
    for route in iter_route_contexts(api.routes):
        methods = getattr(route, "methods", None) or {"GET"}
        path = route.path if getattr(route, "methods", None) else f"{route.path}/{{path:path}}"
        found |= {(method, path) for method in methods | ({"HEAD"} if "GET" in methods else set())}
    return found


def test_every_route_has_a_rule_and_every_rule_a_route(home: House) -> None:
    ruled = [(method, rule.path) for rule in RULES for method in rule.methods]
    assert len(ruled) == len(set(ruled))
    assert set(ruled) == routes(home)


def test_every_path_of_a_route_is_judged_by_its_own_rule() -> None:
    for rule in RULES:
        path = rule.path.replace(":path", "").format(**VALUES)
        for method in rule.methods:
            found = operation_of(method, path)
            assert (found.name, found.least) == (rule.name, rule.least), path
            assert found is not UNKNOWN


def test_every_part_of_ocpu_is_among_the_doors() -> None:
    parts = [door.path.strip("/").split("/") for door in OCPU]
    assert {part[0] for part in parts} == {*ocpu.SECTIONS, ""}
    of_package = {part[2] for part in parts if part[:2] == ["library", "stats"] and len(part) > 2}
    assert of_package == set(ocpu_package.SECTIONS)


DOORS = [
    *(
        Door(method, rule.path.replace(":path", "").format(**VALUES), rule.least)
        for rule in RULES
        for method in rule.methods
    ),
    *(Door(method, f"/ocpu{path}", least) for method, path, least in OCPU),
]


@pytest.mark.parametrize("role", [*Role, None])
def test_role_gets_through_where_its_rule_says_and_nowhere_else(
    gate: Gate, keys: dict[Role, str], role: Role | None
) -> None:
    key = None if role is None else keys[role]
    for door in DOORS:
        if door.least is None or (role is not None and role.covers(door.least)):
            expected = 200
        else:
            expected = 401 if role is None else 403
        answer = ask(gate, door.method, door.path, key=key)
        assert (door, answer.status) == (door, expected)


def test_each_role_may_do_what_it_is_for() -> None:
    """A few lines of the table in words, so that a slip in the rules is seen."""
    least = {
        ("GET", "/v1/results/churn"): Role.VIEWER,
        ("GET", "/v1/sessions"): Role.CALLER,
        ("POST", "/v1/jobs/churn/runs"): Role.OPERATOR,
        ("DELETE", "/v1/runs/1"): Role.OPERATOR,
        ("DELETE", "/v1/calls/x1"): Role.CALLER,
        ("GET", "/v1/keys"): Role.ADMIN,
        ("POST", "/v1/keys"): Role.ADMIN,
        ("DELETE", "/v1/keys/app"): Role.ADMIN,
        ("GET", "/healthz"): None,
    }
    assert {door: operation_of(*door).least for door in least} == least


def test_key_for_some_jobs_reads_no_others(home: House, gate: Gate) -> None:
    key = home.key(Role.VIEWER, jobs=["weight_*", "churn"])
    statuses = {
        path: ask(gate, "GET", path, key=key).status
        for path in (
            *("/v1/results/churn", "/v1/results/churn.csv", "/v1/results/weight_gain?format=png"),
            *("/v1/results/prices", "/v1/results/prices.csv", "/v1/jobs/prices/diff"),
            *("/v1/results/prices/table", "/v1/results/%70rices", "/v1/results/CHURN"),
        )
    }
    assert list(statuses.values()) == [200, 200, 200, 403, 403, 403, 403, 403, 403]


def test_key_for_some_functions_calls_no_others(home: House, gate: Gate) -> None:
    key = home.key(Role.CALLER, functions=["stats::*", "base::sum"])
    statuses = {
        path: ask(gate, "POST", f"/ocpu/{path}", key=key).status
        for path in (
            *(
                "library/stats/R/sd",
                "library/base/R/sum/json",
                "lib/stats/R/sd",
                "library/stats::sd",
            ),
            *("library/base/R/system", "library//base/R/system", "library/base::system/json"),
            *("library/base:::system", "lib/base/R/system", "library/base%2FR%2Fsystem"),
            *("library/%62ase/R/system", "library/base/R/syste%6d", "/library/base//R/system"),
        )
    }
    assert list(statuses.values()) == [200] * 4 + [403] * 9


@pytest.mark.parametrize(
    "target",
    [
        *("//v1/keys", "/v1//keys", "/v1/./keys", "/v1/%2e/keys", "/v1/x/../keys", "/v1/keys/"),
        *("/v1/keys%0a", "/v1/keys%0d%0a", "/v1/keys%00", "/v1/keys;x", "/v1/keys;", "/V1/KEYS"),
        *("/v1/%6beys", "/v1%2fkeys", "/%76%31/keys", "/v1/keys%3fx", "/v1/keys%20", "/v1/keys%23"),
        *(
            "/v1/keys%2f",
            "/v1%5ckeys",
            "/v1/k%c3%a9ys",
            "/v1/keys%25",
            "/ocpu/../v1/keys",
            "/v1/%6Beys",
        ),
        *("/ocpu%2f..%2fv1/keys", "v1/keys", "/v1/keys%u0000", "/v1/ke%79s?x=%0a", "/v1/keys%09"),
    ],
)
def test_odd_path_opens_nothing_that_the_plain_one_does_not(
    application: Gate, keys: dict[Role, str], target: str
) -> None:
    """Whoever may not list keys lists them by no spelling; an administrator gets what is served."""
    served = ask(application, "GET", target, key=keys[Role.ADMIN])
    refused = ask(application, "GET", target, key=keys[Role.OPERATOR])
    assert '"keys"' not in refused.body
    assert refused.status == (403 if served.status == 200 else served.status)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "get", "TRACE", "PROPFIND"])
def test_other_method_of_a_path_is_not_allowed_and_no_way_around(
    application: Gate, keys: dict[Role, str], method: str
) -> None:
    for path in ("/v1/keys", "/v1/jobs", "/v1/definitions"):
        assert ask(application, method, path, key=keys[Role.VIEWER]).status == 405
        assert ask(application, method, path).status == 401


def test_method_override_headers_are_words_without_meaning(
    application: Gate, keys: dict[Role, str]
) -> None:
    headers = [("X-HTTP-Method-Override", "DELETE"), ("X-Original-URL", "/v1/keys")]
    answer = ask(application, "GET", "/v1/jobs", *headers, key=keys[Role.VIEWER])
    assert '"jobs"' in answer.body
