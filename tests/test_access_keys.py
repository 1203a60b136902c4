"""Access keys: made on the command line or over HTTP, and known to every worker at once."""

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import chdir, closing
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from doors import House, ask, house
from serving import Server, copy_example, wait_until
from typer.testing import CliRunner

from jobs.access_key import PREFIX
from jobs.role import Role
from larder.cli import app
from larder.walls import look_at_host

pytestmark = pytest.mark.server

ASKED = 12
"""Connections that are enough for both workers to be asked."""


class Said(NamedTuple):
    """What a command printed, and its status."""

    out: str
    err: str
    status: int


def larder(project: Path, *words: str) -> Said:
    with chdir(project):
        done = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    return Said(done.stdout, done.stderr, done.exit_code)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    project = copy_example(tmp_path_factory.mktemp("keys"))
    text = "name: scoring\nschedule: {enabled: false}\naccess: {key_in_query: true}\n"
    (project / "larder.yaml").write_text(text)
    with Server(project) as server:
        yield server


@pytest.fixture(scope="module")
def admin(server: Server) -> str:
    """The first key: until it is made the server asks nobody."""
    assert statuses(server, "/v1/jobs") == {200}
    made = larder(server.project, "keys", "add", "boss", "--role", "admin")
    assert made.status == 0
    assert "from now on every request needs a key" in made.err
    return made.out.removesuffix("\n")


def statuses(server: Server, path: str, **headers: str) -> set[int]:
    """What new connections are answered, so that no worker is left out."""
    found = set()
    for _ in range(ASKED):
        with closing(HTTPConnection(server.url.removeprefix("http://"), timeout=60)) as wire:
            wire.request("GET", path, headers=headers)
            found.add(wire.getresponse().status)
    return found


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}


def test_first_key_closes_a_running_server_for_all_who_show_none(
    server: Server, admin: str
) -> None:
    assert admin.startswith(PREFIX)
    assert statuses(server, "/v1/jobs") == {401}
    assert statuses(server, "/ocpu/library/") == {401}
    assert statuses(server, "/healthz") == {200}
    refused = httpx.get(f"{server.url}/v1/jobs", trust_env=False)
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert "larder keys add" in refused.json()["detail"]


def test_key_is_shown_as_bearer_basic_or_in_the_query(server: Server, admin: str) -> None:
    for headers in (bearer(admin), basic("me", admin), basic(admin, ""), basic("", admin)):
        assert statuses(server, "/v1/jobs", **headers) == {200}
    assert statuses(server, f"/v1/jobs?key={admin}") == {200}
    assert statuses(server, f"/v1/jobs?%6bey={admin}&limit=1") == {200}
    assert statuses(server, f"/v1/jobs?key={admin}x") == {401}
    client = httpx.get(f"{server.url}/ocpu/library/stats/", auth=("ocpu", admin), trust_env=False)
    assert client.status_code in (200, 302)


def test_key_in_the_query_is_seen_by_nothing_else(server: Server, admin: str) -> None:
    with server.client() as client:
        for query in (f"key={admin}", f"k%65y={admin}", f"format=json&key={admin}"):
            answers = [
                client.get(f"/ocpu/library?{query}"),
                client.get(f"/v1/results/weight_gain?treatment=CBT&prewt=80&{query}"),
                client.post(f"/ocpu/library/base/R/identity/json?{query}", data={"x": "1"}),
                client.get(f"/v1/jobs/?{query}"),
                client.get(f"/v1/nothing?{query}"),
            ]
            assert [answer.status_code for answer in answers[:3]] == [302, 200, 201]
            for answer in answers:
                said = f"{answer.headers}{answer.text}"
                assert admin not in said
    assert admin not in server.log.read_text()


def test_revoked_key_opens_nothing_from_the_next_request_on(server: Server, admin: str) -> None:
    made = larder(server.project, "keys", "add", "guest", "--role", "viewer", "--quiet")
    key = made.out.removesuffix("\n")
    assert made.err == ""
    assert statuses(server, "/v1/jobs", **bearer(key)) == {200}
    told = larder(server.project, "keys", "revoke", "guest")
    assert "of guest is refused from now on" in told.out
    assert statuses(server, "/v1/jobs", **bearer(key)) == {401}


def test_exchanged_key_opens_until_the_overlap_is_over(server: Server, admin: str) -> None:
    words = ("add", "app", "--role", "caller", "--functions", "stats::*", "--rate", "100/minute")
    old = larder(server.project, "keys", *words, "--quiet").out.strip()
    made = json.loads(larder(server.project, "keys", "rotate", "app", "--json").out)
    assert (made["key"]["functions"], made["key"]["rate"]) == (["stats::*"], "100/minute")
    for key in (old, made["secret"]):
        assert statuses(server, "/v1/jobs", **bearer(key)) == {200}
    last = larder(server.project, "keys", "rotate", "app", "--overlap", "0 seconds", "-q")
    assert statuses(server, "/v1/jobs", **bearer(old)) == {401}
    assert statuses(server, "/v1/jobs", **bearer(made["secret"])) == {401}
    assert statuses(server, "/v1/jobs", **bearer(last.out.strip())) == {200}


def test_expired_key_opens_nothing(server: Server, admin: str) -> None:
    words = ("add", "brief", "--role", "viewer", "--expires", "2 seconds", "-q")
    key = larder(server.project, "keys", *words).out.strip()
    wait_until(lambda: statuses(server, "/v1/jobs", **bearer(key)) == {401})
    listed = larder(server.project, "keys", "list", "--all").out
    assert "expired" in next(line for line in listed.splitlines() if " brief " in line)
    assert " brief " not in larder(server.project, "keys").out


def test_list_tells_when_a_key_was_used(server: Server, admin: str) -> None:
    assert statuses(server, "/v1/jobs", **bearer(admin)) == {200}

    def used() -> bool:
        shown = json.loads(larder(server.project, "keys", "list", "boss", "--json").out)
        [key] = shown["keys"]
        return key["last_used_at"] is not None

    wait_until(used, within_s=60)
    assert admin not in larder(server.project, "keys", "list", "--all", "--json").out


def test_administrators_manage_keys_over_http(server: Server, admin: str) -> None:
    wish = {"name": "web", "role": "viewer", "jobs": ["weight_*"], "expires": "90 days"}
    with httpx.Client(base_url=server.url, headers=bearer(admin), trust_env=False) as client:
        made = client.post("/v1/keys", json=wish)
        assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
        key = made.json()["secret"]
        assert statuses(server, "/v1/results/weight_gain/table", **bearer(key)) == {200}
        assert statuses(server, "/v1/results/diamond_prices/table", **bearer(key)) == {403}
        assert statuses(server, "/v1/keys", **bearer(key)) == {403}
        assert client.post("/v1/keys", json=wish).status_code == 409
        listed = client.get("/v1/keys").json()["keys"]
        assert [one["jobs"] for one in listed if one["name"] == "web"] == [["weight_*"]]
        assert key not in client.get("/v1/keys?all=true").text
        turned = client.post("/v1/keys/web/rotate", json={"overlap": "0 seconds"})
        assert turned.status_code == 201
        assert statuses(server, "/v1/jobs", **bearer(key)) == {401}
        assert client.delete("/v1/keys/web").status_code == 204
        assert client.delete("/v1/keys/web").status_code == 404
        assert statuses(server, "/v1/jobs", **bearer(turned.json()["secret"])) == {401}


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"role": "analist"}, "did you mean 'analyst'"),
        ({"name": "7"}, "a letter, then"),
        ({"functions": ["stats"]}, "write stats::*"),
        ({"jobs": ["wait_gain"]}, "did you mean 'weight_gain'"),
        ({"origins": ["app.example.com"]}, "write https://app.example.com"),
        ({"rate": "many"}, "for example: 10/second"),
        ({"rate": "5/minutte"}, "did you mean '5/minute'"),
        ({"expires": "2020-01-01"}, "is over already"),
        ({"expires": "90 dyas"}, "did you mean '90 days'"),
        ({"rolle": "x"}, "rolle"),
    ],
)
def test_wish_that_cannot_be_met_is_told(
    tmp_path: Path, change: dict[str, object], part: str
) -> None:
    with house(tmp_path) as home:
        refused = post(home, {"name": "app", "role": "viewer", **change})
        assert refused[0] in (400, 422)
        assert part in refused[1]
        assert home.catalog.access_keys() == []


def post(home: House, wish: dict[str, object]) -> tuple[int, str]:
    body = json.dumps(wish).encode()
    answer = ask(
        home.application(), "POST", "/v1/keys", ("Content-Type", "application/json"), body=body
    )
    return answer.status, json.loads(answer.body)["detail"]


def test_keys_are_made_where_no_server_runs(tmp_path: Path) -> None:
    project = copy_example(tmp_path)
    key = larder(project, "keys", "add", "app", "--role", "caller", "-q").out
    assert (key.count("\n"), key.startswith(PREFIX)) == (1, True)
    with house(tmp_path / "house") as home:
        assert home.key(Role.VIEWER) != key


def test_command_line_tells_what_is_wrong_with_it(tmp_path: Path) -> None:
    project = copy_example(tmp_path)
    told = {
        ("add", "x"): (2, "give --role"),
        ("add",): (2, "whose key?"),
        ("list", "--role", "viewer"): (2, "--role says nothing about `larder keys list`"),
        ("revoke", "x"): (2, "there is no valid key 'x'"),
        ("rotate", "x", "--overlap", "soon"): (1, "'soon' is no duration"),
        ("add", "x", "--role", "boss"): (1, "there is no role 'boss'"),
        ("add", "x", "--role", "viewer", "--jobs", "nope"): (1, "fits no job of this project"),
    }
    for words, (status, part) in told.items():
        said = larder(project, "keys", *words)
        assert (words, said.status, part in said.err, said.out) == (words, status, True, "")


def test_beyond_loopback_a_key_is_needed_to_start(tmp_path: Path) -> None:
    project = copy_example(tmp_path)
    refused = larder(project, "serve", "--host", "0.0.0.0", "--port", "0")  # noqa: S104
    assert refused.status == 1
    assert "larder keys add NAME --role admin" in refused.err
    assert not (project / ".larder").exists()


def test_beyond_loopback_everybody_shows_a_key(tmp_path: Path) -> None:
    project = copy_example(tmp_path)
    (project / "larder.yaml").write_text("name: scoring\nhost: 0.0.0.0\nengine: {spares: 0}\n")
    key = larder(project, "keys", "add", "boss", "--role", "admin", "-q").out.strip()
    # Where the machine lacks a wall it takes --insecure, too; keys are asked for all the same.
    insecure = {"insecure": "true"} if look_at_host().missing else {}
    with Server(project, workers=1, **insecure) as server:
        assert statuses(server, "/v1/jobs") == {401}
        assert statuses(server, "/v1/jobs", **bearer(key)) == {200}
        larder(project, "keys", "revoke", "boss")
        assert statuses(server, "/v1/jobs") == {401}  # no key is left, and nobody gets in


def test_insecure_server_says_so_in_the_log_of_every_role(tmp_path: Path) -> None:
    project = copy_example(tmp_path)
    (project / "larder.yaml").write_text("name: scoring\nhost: 0.0.0.0\nengine: {spares: 0}\n")
    with Server(project, workers=2, insecure="true") as server:
        roles = ("server", "engine", "scheduler", "api-1", "api-2")

        def all_told() -> bool:
            lines = [line for line in server.log.read_text().splitlines() if "insecure:" in line]
            return all(any(f" {role} " in line for line in lines) for role in roles)

        wait_until(all_told)
        assert statuses(server, "/v1/jobs") == {200}
        assert statuses(server, "/v1/jobs", Host="stats.example.com") == {200}
