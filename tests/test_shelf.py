"""The shelf: one live release per name, whatever happens when."""

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import InstallRefused
from engine.install_policy import InstallPolicy, pattern_problem
from engine.install_request import InstallRequest, valid_name
from engine.installed import Installed
from engine.plain_words import without_paths
from engine.shelf import Shelf, is_whole
from engine.shelf_watch import ShelfWatch

MORNING = dt.datetime(2026, 11, 23, 5, 0, tzinfo=dt.UTC)


class Hours:
    """A clock that shows the morning and some hours."""

    def __init__(self) -> None:
        self.passed = 0.0

    def __call__(self) -> dt.datetime:
        return MORNING + dt.timedelta(hours=self.passed)


def put(shelf: Shelf, name: str = "ada/greeter", version: str = "1", **changes: str) -> Installed:
    with shelf.new_release() as release:
        folder = release / "library"
        (folder / "greeter").mkdir(parents=True)
        (folder / "greeter" / "DESCRIPTION").write_text("Package: greeter\n")
        installed = Installed(
            source="github",
            name=name,
            package="greeter",
            version=version,
            origin="https://example.org/ada/greeter",
            commit=version * 40,
            digest=None,
            ref=None,
            installed_at=MORNING,
            checked_at=MORNING,
            r_version="R version 4.2.2",
            folder=folder,
            packages={"greeter": version},
        )
        return shelf.publish(release, replace(installed, **changes))


def fail_to_build(shelf: Shelf) -> None:
    with shelf.new_release() as release:
        (release / "library").mkdir()
        raise OSError("the disk is full")


def releases(root: Path) -> set[str]:
    return {path.name for path in (root / "releases").iterdir()}


def test_what_was_published_is_found_with_all_its_facts(tmp_path: Path) -> None:
    installed = put(Shelf(tmp_path))
    assert Shelf(tmp_path).find("github", "ada/greeter") == installed
    assert Shelf(tmp_path).all() == [installed]
    assert is_whole(installed)


def test_github_names_have_no_case(tmp_path: Path) -> None:
    installed = put(Shelf(tmp_path), "Ada/Greeter")
    assert Shelf(tmp_path).find("github", "aDa/gREETER.git") == installed
    assert installed.name == "Ada/Greeter"


@pytest.mark.parametrize("name", ["../x", "ada/..", "ada", "ada/greeter/more", "", "/etc/passwd"])
def test_malformed_name_is_not_found(tmp_path: Path, name: str) -> None:
    shelf = Shelf(tmp_path)
    put(shelf)
    assert shelf.find("github", name) is None
    assert not shelf.remove("github", name)


def test_empty_shelf_holds_nothing(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "none")
    assert shelf.find("cran", "greeter") is None
    assert shelf.all() == []
    assert shelf.sweep(0) == 0


def test_update_is_one_rename_and_the_old_release_stays(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    old, new = put(shelf, version="1"), put(shelf, version="2")
    assert shelf.find("github", "ada/greeter") == new
    assert is_whole(old)


def test_superseded_release_is_swept_after_its_time(tmp_path: Path) -> None:
    hours = Hours()
    shelf = Shelf(tmp_path, hours)
    old, new = put(shelf, version="1"), put(shelf, version="2")
    hours.passed = 1
    assert shelf.sweep(2 * 3600) == 0
    assert is_whole(old)
    hours.passed = 3
    assert shelf.sweep(2 * 3600) == 1
    assert releases(tmp_path) == {new.release}


def test_failed_release_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="full"):
        fail_to_build(Shelf(tmp_path))
    assert releases(tmp_path) == set()


def test_leftover_of_a_crash_is_swept_and_a_release_under_way_is_not(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    (tmp_path / "releases" / "crashed" / "library").mkdir(parents=True)
    with shelf.new_release() as release:
        assert Shelf(tmp_path).sweep(0) == 1
        assert releases(tmp_path) == {release.name}


def test_crash_between_rename_and_mark_starts_the_old_releases_time(tmp_path: Path) -> None:
    hours = Hours()
    shelf = Shelf(tmp_path, hours)
    old = put(shelf, version="1")
    put(shelf, version="2")
    (old.folder.parent / "superseded").unlink()
    assert shelf.sweep(3600) == 0
    hours.passed = 2
    assert shelf.sweep(3600) == 1


def test_removed_name_is_gone_at_once_and_its_files_later(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    installed = put(shelf)
    assert shelf.remove("github", "Ada/Greeter")
    assert not shelf.remove("github", "Ada/Greeter")
    assert shelf.all() == []
    assert not (tmp_path / "github" / "ada").exists()
    assert is_whole(installed)
    assert shelf.sweep(0) == 1
    assert releases(tmp_path) == set()


def test_unreadable_record_is_no_installation(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    broken, newer = put(shelf), put(shelf, "ada/newer")
    (broken.folder.parent / "installed.json").write_text("{")
    record = json.loads((newer.folder.parent / "installed.json").read_text())
    (newer.folder.parent / "installed.json").write_text(json.dumps({**record, "format": 99}))
    assert shelf.all() == []
    assert shelf.sweep(0) == 0  # live is live: an operator may want to look


def test_check_is_recorded(tmp_path: Path) -> None:
    hours = Hours()
    shelf = Shelf(tmp_path, hours)
    installed = put(shelf)
    hours.passed = 5
    shelf.checked(installed)
    found = shelf.find("github", "ada/greeter")
    assert found is not None
    assert (found.checked_at, found.installed_at) == (hours(), MORNING)


def test_missing_package_makes_an_installation_less_than_whole(tmp_path: Path) -> None:
    installed = put(Shelf(tmp_path))
    (installed.folder / "greeter" / "DESCRIPTION").unlink()
    assert not is_whole(installed)


def test_watch_sees_new_libraries_and_no_gists(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    watch = ShelfWatch(shelf)
    installed = put(shelf)
    assert watch.changed()
    assert not watch.changed()
    assert watch.libraries() == [installed.folder]
    assert watch.releases() == {"greeter": installed.release}
    with shelf.new_release() as release:
        (release / "files").mkdir()
        gist = {"source": "gist", "name": "ada/1f", "package": None, "packages": {}}
        shelf.publish(release, replace(installed, **gist, folder=release / "files"))
    assert not watch.changed()
    assert [item.source for item in watch.installed()] == ["github", "gist"]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        *[("github", name) for name in ("ada/greeter.r_x-1", "a/.github", "x/y")],
        *[("gist", "ada/1f2e"), ("cran", "data.table"), ("bioc", "Biobase")],
    ],
)
def test_real_names_are_valid(source: str, name: str) -> None:
    assert valid_name(source, name)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        *[("github", name) for name in ("-x/y", "x/-y", "x/..", "x/.git", "x/y/z", "x y/z", "x/")],
        *[("gist", "ada/../x"), ("gist", "--upload-pack/x"), ("cran", "a/b"), ("cran", "1a")],
        *[("cran", "a-b"), ("cran", "--x"), ("bioc", "x;y"), ("cran", "a\n"), ("pypi", "x")],
    ],
)
def test_names_that_mean_something_else_are_refused(source: str, name: str) -> None:
    assert not valid_name(source, name)
    with pytest.raises(InstallRefused):
        InstallRequest(source, name)  # type: ignore[arg-type]


@pytest.mark.parametrize("ref", ["-x", "--upload-pack=x", "a..b", "a b", "x/", "@{-1}", "", "a:b"])
def test_refs_that_mean_something_else_are_refused(ref: str) -> None:
    with pytest.raises(InstallRefused, match="no branch, tag or commit"):
        InstallRequest("github", "ada/greeter", ref)


@pytest.mark.parametrize("address", ["ext::sh", "ssh://x/y", "repos", "-x", "http://", "a b"])
def test_addresses_of_other_kinds_are_refused(address: str) -> None:
    with pytest.raises(InstallRefused, match="github_url"):
        InstallRequest("github", "ada/greeter", github_url=address)


@pytest.mark.parametrize(
    ("pattern", "source", "name", "allowed"),
    [
        ("github::ada/greeter", "github", "Ada/Greeter", True),
        ("github::ada/greeter", "github", "ada/other", False),
        ("github::ada/*", "github", "ada/other", True),
        ("github::ada/*", "github", "adam/other", False),
        ("github::*", "github", "who/ever", True),
        ("github::*", "gist", "who/1f", False),
        ("gist::ada/*", "gist", "ada/1f", True),
        ("cran::forecast", "cran", "forecast", True),
        ("cran::forecast", "cran", "Forecast", False),
        ("cran::*", "bioc", "forecast", False),
        ("github::*", "github", "../..", False),
    ],
)
def test_policy_allows_what_its_patterns_name(
    pattern: str, source: str, name: str, allowed: object
) -> None:
    assert InstallPolicy(allow=(pattern,)).allows(source, name) is allowed
    assert pattern_problem(pattern) is None


def test_policy_allows_nothing_by_itself() -> None:
    assert not InstallPolicy().allows("cran", "forecast")
    assert InstallPolicy(allow=("cran::forecast",)).allows_some("cran")
    assert not InstallPolicy(allow=("cran::forecast",)).allows_some("bioc")


@pytest.mark.parametrize(
    "pattern", ["forecast", "cran:forecast", "pypi::x", "cran::a/b", "gist::a"]
)
def test_wrong_pattern_is_explained(pattern: str) -> None:
    assert f"'{pattern}'" in (pattern_problem(pattern) or "")


def test_policy_hands_its_addresses_on() -> None:
    policy = InstallPolicy(github_url="https://git.example.org", cran_url="/srv/cran", timeout_s=7)
    request = policy.request("github", "ada/greeter", "main")
    assert (request.github_url, request.cran_url) == ("https://git.example.org", "/srv/cran")
    assert (request.timeout_s, request.ref) == (7, "main")
    assert InstallRequest.from_wire(request.to_wire()) == request


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "* removing \u2018/srv/x/.larder/apps/releases/1f/library/greeter\u2019",
            "* removing \u2018greeter\u2019",
        ),
        ("Error in /a/b c", "Error in b c"),
        ("see https://example.org/a/b and http://h:1/x", None),
        ("unable to open file:///srv/cran/src/contrib/PACKAGES'", "unable to open PACKAGES'"),
        ("3/4 of and/or ./configure", None),
    ],
)
def test_messages_name_no_folder_of_the_server(text: str, shown: str | None) -> None:
    assert without_paths(text) == (text if shown is None else shown)
