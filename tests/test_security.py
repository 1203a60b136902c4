"""`larder doctor --security`: what is found of an installation that is not as it should be."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from serving import Server, copy_example
from test_access_keys import larder

from cache.clock import utcnow
from jobs.access_key import new_secret
from jobs.repository import Catalog
from jobs.role import Role
from larder.security import examine_security


def states(project: Path) -> dict[str, str]:
    return {finding.name: finding.state for finding in examine_security(project)}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copy_example(tmp_path)


def write(project: Path, text: str) -> None:
    (project / "larder.yaml").write_text(f"name: scoring\n{text}")


@pytest.mark.parametrize(
    ("text", "name", "state"),
    [
        ("", "address", "ok"),
        ("", "keys", "weak"),
        ("", "R code in arguments", "weak"),
        ("ocpu: {code: false}", "R code in arguments", "ok"),
        ("access: {keys: always}", "R code in arguments", "ok"),
        ("host: 192.0.2.1", "address", "weak"),
        ("host: 192.0.2.1\nurl: https://stats.example.com", "address", "ok"),
        ("host: 192.0.2.1", "access.hosts", "weak"),
        ("host: 192.0.2.1\ninsecure: true", "insecure", "missing"),
        ("insecure: true", "insecure", "weak"),
        ("access: {key_in_query: true}", "access.key_in_query", "weak"),
        ("access: {origins: ['*']}", "access.origins", "weak"),
        ("access: {origins: [https://app.example.com]}", "access.origins", "ok"),
        ("access: {proxies: [0.0.0.0/0]}", "access.proxies", "missing"),
        ("access: {proxies: [127.0.0.1]}", "access.proxies", "ok"),
        ("engine: {walls: 'off'}", "walls", "missing"),
        ("engine: {network: true}", "network of R", "weak"),
        ("install: {allow: ['cran::*']}", "install.allow", "weak"),
        ("install: {allow: ['cran::dplyr']}", "install.allow", "ok"),
        ("install: {allow: ['cran::dplyr']}", "webhook", "weak"),
    ],
)
def test_setting_that_opens_something_is_found(
    project: Path, text: str, name: str, state: str
) -> None:
    write(project, f"{text}\n")
    assert states(project)[name] == state


def test_keys_that_want_looking_after_are_named(project: Path) -> None:
    state = project / ".larder"
    state.mkdir(mode=0o700)
    catalog = Catalog.in_file(state / "catalog.db", clock=lambda: utcnow() - timedelta(days=100))
    catalog.migrate()
    catalog.add_key(new_secret(), "old", Role.CALLER)
    until = utcnow() + timedelta(days=1)
    page = ["https://app.example.com"]
    catalog.add_key(new_secret(), "page", Role.ADMIN, origins=page, expires_at=until)
    catalog.note_use({2: utcnow()})
    catalog.close()
    found = {finding.name: finding for finding in examine_security(project)}
    assert (found["keys"].value, found["keys"].state) == ("2 valid", "ok")
    assert found["keys: without an end"].value == "old #1"
    assert found["keys: admin for web pages"].value == "page #2"
    assert found["keys: unused for 90 days"].value == "old #1"


def test_files_that_others_can_write_or_read_are_found(project: Path) -> None:
    (project / ".larder").mkdir()
    (project / ".larder").chmod(0o755)
    (project / "models").chmod(0o777)
    found = {finding.name: finding for finding in examine_security(project)}
    assert found["state folder"].state == "missing"
    assert found["project's files"].value == "models can be written by others"


def test_status_tells_scripts_whether_something_is_open_to_anybody(project: Path) -> None:
    assert larder(project, "doctor", "--security").status == 0
    write(project, "host: 192.0.2.1\ninsecure: true\n")
    told = larder(project, "doctor", "--security", "--json")
    assert told.status == 1
    assert "insecure" in [one["name"] for one in json.loads(told.out) if one["state"] == "missing"]


@pytest.mark.server
def test_running_server_is_looked_at_as_it_was_started(project: Path) -> None:
    write(project, "engine: {spares: 0}\nschedule: {enabled: false}\n")
    with Server(project, workers=1, host="0.0.0.0", insecure="true") as server:  # noqa: S104
        assert server.process is not None
        found = {finding.name: finding for finding in examine_security(project)}
        assert found["server"].value == f"process {server.process.pid}"
        assert found["insecure"].state == "missing"
    assert states(project)["insecure"] == "ok"
