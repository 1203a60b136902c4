"""`larder install`: what it refuses, what it says, and where what it installed is served."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from serving import ROOT, Server, wait_until
from shop import commit, offer, package, running
from typer.testing import CliRunner

from larder.cli import app
from larder.settings import load_settings
from larder.wiring import install_policy, open_shelf

ENDLESS = "#!/bin/sh\nsleep 47114713\n"


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def install(project: Path, *words: object) -> SimpleNamespace:
    """What the command prints on stdout and stderr, and its exit status."""
    result = CliRunner().invoke(app, ["install", "-p", str(project), *map(str, words)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return SimpleNamespace(out=result.stdout, err=result.stderr, status=result.exit_code)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Repositories of git and of packages."""
    folder = tmp_path_factory.mktemp("shop")
    commit(folder / "git" / "ada" / "field", package("harvest"))
    commit(folder / "git" / "ada" / "broken", package("broken", "f <- function( {"))
    commit(folder / "git" / "ada" / "endless", package("endless", configure=ENDLESS))
    commit(folder / "git" / "ada" / "4321", {"hello.R": "cat('hi')\n"})
    offer(folder / "cran", package("wheat", needs="rye"), package("rye"))
    return folder


def make_project(folder: Path, shop: Path, *allow: str) -> Path:
    folder.mkdir(exist_ok=True)
    settings = {
        "name": "farm",
        "install": {
            "allow": list(allow),
            "github_url": str(shop / "git"),
            "gist_url": str(shop / "git"),
            "cran_url": f"file://{shop / 'cran'}",
        },
    }
    (folder / "larder.yaml").write_text(json.dumps(settings))
    return folder


@pytest.fixture
def project(tmp_path: Path, shop: Path) -> Path:
    """One that allows what the owner `ada` has."""
    return make_project(tmp_path / "farm", shop, "github::ada/*")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "name what to install, as cran::dplyr; --list shows what is installed"),
        (("--remove",), "name what to remove, as cran::dplyr; --list shows what is installed"),
        (("dplyr",), "'dplyr' does not say from where: cran::dplyr, bioc::dplyr or OWNER/REPO"),
        (("git::a/b",), "'git' is no source: did you mean gist::a/b?"),
        (("x::a",), "'x' is no source: there are github, gist, cran, bioc"),
        (("cran::a/b",), "'a/b' is no name for cran: it takes the name of an R package"),
        (("a/../b",), "'a/../b' is no name for github: it takes owner/repository"),
        (("ada/field", "--ref", "--upload-pack=x"), "'--upload-pack=x' is no branch, tag or com"),
        (("cran::dplyr", "--ref", "main"), "cran has the current version only, no 'main'"),
        (("ada/field", "ada/4321", "--ref", "main"), "--ref goes with one repository to install"),
        (("ada/field", "--update", "--ref", "main"), "--ref goes with one repository to install"),
        (("--list", "--update"), "of --list, --update and --remove give one"),
        (("--list", "ada/field"), "--list shows all that is installed: give no names"),
        (("--remove", "ada/field"), "github::ada/field is not installed; see `larder install --l"),
        (("--update", "ada/field"), "github::ada/field is not installed; see `larder install --l"),
    ],
)
def test_a_wrong_command_line_is_told_before_anything_starts(
    project: Path, words: tuple[str, ...], told: str
) -> None:
    done = install(project, *words)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(f"larder: {told}")
    assert not (project / ".larder").exists()


def test_nothing_is_installed_that_larder_yaml_does_not_allow(tmp_path: Path, shop: Path) -> None:
    project = make_project(tmp_path / "farm", shop)
    done = install(project, "ada/field", "cran::wheat")
    assert (done.status, done.out) == (1, "")
    assert done.err == (
        "larder: larder.yaml does not allow to install github::ada/field, cran::wheat; "
        "it has to say\n"
        "install:\n"
        "  allow: [github::ada/field, cran::wheat]\n"
        "or give --allow, to install it this once\n"
    )
    assert not (project / ".larder").exists()


def test_the_line_that_a_refusal_shows_allows_it_besides_what_was_allowed(
    tmp_path: Path, shop: Path
) -> None:
    project = make_project(tmp_path / "farm", shop, "bioc::*")
    lines = install(project, "ada/field", "cran::wheat", "bioc::limma").err.splitlines()
    (project / "larder.yaml").write_text("\n".join(lines[1:3]))
    policy = install_policy(load_settings(project))
    assert policy.allow == ("bioc::*", "github::ada/field", "cran::wheat")
    assert policy.allows("github", "ADA/Field")


def test_one_that_may_not_keeps_the_others_from_being_installed(project: Path) -> None:
    done = install(project, "ada/field", "bob/field")
    assert done.status == 1
    assert "does not allow to install github::bob/field;" in done.err


def test_at_first_nothing_is_installed(project: Path) -> None:
    assert install(project, "--list").out == "nothing is installed\n"
    assert json.loads(install(project, "--list", "--json").out) == []
    assert install(project, "--update").out == "nothing is installed\n"


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory, shop: Path) -> SimpleNamespace:
    """A project in which four things were installed with one command, and one of them failed."""
    project = make_project(tmp_path_factory.mktemp("farm"), shop)
    names = ("ada/field", "ada/broken", "cran::wheat", "gist::ada/4321")
    done = install(project, *names, "--allow")
    return SimpleNamespace(project=project, done=done)


@pytest.mark.r
def test_each_is_told_with_the_path_under_which_it_is_served(farm: SimpleNamespace) -> None:
    lines = farm.done.out.splitlines()
    assert [line.partition(" (commit")[0].partition(", ")[0] for line in lines] == [
        "github::ada/field: installed harvest 0.1",
        "  served under /ocpu/apps/ada/field/",
        "cran::wheat: installed wheat 0.1",
        "  served under /ocpu/cran/wheat/",
        "gist::ada/4321: installed commit " + lines[4].split()[3].strip(","),
        "  served under /ocpu/gist/ada/4321/",
    ]
    assert ", with rye, in " in lines[2]


@pytest.mark.r
def test_one_that_fails_is_told_with_rs_words_and_keeps_no_other(farm: SimpleNamespace) -> None:
    assert farm.done.status == 1
    assert farm.done.err.count("larder: ") == 1
    assert "larder: github::ada/broken: " in farm.done.err
    assert "unexpected '{'" in farm.done.err
    assert "give --verbose to see all that it printed" in farm.done.err


@pytest.mark.r
def test_what_happens_is_told_in_lines_where_there_is_no_terminal(farm: SimpleNamespace) -> None:
    told = [line for line in farm.done.err.splitlines() if line.startswith("installing ")]
    assert told == [
        "installing github::ada/field",
        "installing github::ada/broken",
        "installing cran::wheat",
        "installing gist::ada/4321",
    ]


@pytest.mark.r
def test_what_is_installed_is_listed_with_where_it_is_from(
    farm: SimpleNamespace, shop: Path
) -> None:
    head, *rows = install(farm.project, "--list").out.splitlines()
    assert head.split() == ["installed", "package", "version", "commit", "when", "from"]
    assert [row.split()[:3] for row in rows] == [
        ["github::ada/field", "harvest", "0.1"],
        ["gist::ada/4321", "-", "-"],
        ["cran::wheat", "wheat", "0.1"],
    ]
    assert rows[0].rstrip().endswith(str(shop / "git" / "ada" / "field"))


@pytest.mark.r
def test_the_list_for_programs_has_all_that_is_known(farm: SimpleNamespace) -> None:
    field, gist, wheat = json.loads(install(farm.project, "--list", "--json").out)
    assert (field["name"], field["package"], field["path"]) == (
        "ada/field",
        "harvest",
        "/ocpu/apps/ada/field/",
    )
    assert len(field["commit"]) == 40
    assert field["installed_at"].endswith("Z")
    assert wheat["packages"] == {"rye": "0.1", "wheat": "0.1"}
    assert (gist["package"], gist["path"]) == (None, "/ocpu/gist/ada/4321/")


@pytest.mark.r
def test_a_package_that_the_models_need_can_be_installed(project: Path) -> None:
    (project / "models").mkdir()
    (project / "models" / "crop.R").write_text("library(harvest)\ncrop <- function() harvest()\n")
    (project / "jobs").mkdir()
    (project / "jobs" / "crop.yaml").write_text("jobs: {crop: {function: farm::crop}}\n")
    larder = CliRunner()
    get = ["get", "crop", "--project", str(project)]
    assert larder.invoke(app, get).exit_code == 3
    assert install(project, "ada/field").status == 0
    assert json.loads(larder.invoke(app, get).stdout) == "0.1"


@pytest.mark.r
def test_ctrl_c_ends_an_installation_and_all_it_started(project: Path) -> None:
    # Where tests run in the background, SIGINT is ignored from the start.
    program = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    program += "from larder.cli import main; main()"
    installing = subprocess.Popen(
        [sys.executable, "-c", program, "install", "ada/endless", "-p", str(project)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(lambda: running("sleep 47114713"), 60)
        installing.send_signal(signal.SIGINT)
        _, told = installing.communicate(timeout=60)
        assert installing.returncode == 130
        assert "cancelled; what was installed before is as it was" in told
        wait_until(lambda: not running("sleep 47114713"), 10)
        assert open_shelf(load_settings(project)).all() == []
    finally:
        installing.kill()
        installing.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, shop: Path) -> Iterator[Server]:
    project = make_project(tmp_path_factory.mktemp("served") / "farm", shop, "github::ada/*")
    with Server(project, workers=1) as server:
        yield server


@pytest.mark.server
def test_a_running_server_installs_it_and_serves_it_at_once(server: Server) -> None:
    done = install(server.project, "ada/field")
    assert (done.status, done.err) == (0, "installing github::ada/field\n")
    assert "install finished source=github name=ada/field" in server.log.read_text()
    path = done.out.splitlines()[-1].split()[-1]
    with server.client() as client:
        assert client.post(f"{path}R/harvest/json").json() == ["0.1"]


@pytest.mark.server
def test_an_update_installs_what_is_new_and_a_removal_takes_it_away(
    server: Server, shop: Path
) -> None:
    project = server.project
    repository = shop / "git" / "ada" / "barn"
    first = commit(repository, package("barn"))
    again = ("--update", "github::ada/barn", "--json")
    (installed,) = json.loads(install(project, "ada/barn", "--json").out)
    (unchanged,) = json.loads(install(project, *again).out)
    second = commit(repository, package("barn", version="0.2"))
    (updated,) = json.loads(install(project, *again).out)
    commit(repository, {"R/code.R": "f <- function( {"})
    failed = install(project, *again)
    assert [(one["status"], one["commit"]) for one in (installed, unchanged, updated)] == [
        ("installed", first),
        ("unchanged", first),
        ("updated", second),
    ]
    assert json.loads(failed.out)[0]["status"] == "failed"
    assert failed.err.endswith(f"barn 0.2 (commit {second[:7]}) is still there\n")
    assert install(project, "--remove", "Ada/barn").status == 0
    shelf = open_shelf(load_settings(project))
    assert shelf.find("github", "ada/barn") is None
