"""Installing with real git and real R: what comes onto the shelf, and what never does."""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from serving import wait_until
from shop import commit, git, offer, package, running, serve

from engine.errors import InstallBusy, InstallFailed, InstallTimeout, OriginNotFound
from engine.install_request import InstallRequest
from engine.installed import Installed
from engine.installer import Installer
from engine.shelf import Shelf, is_whole

MIB = 2**20
ENDLESS = "#!/bin/sh\nsetsid sleep 47114711 &\nsleep 47114712\n"
"""An install script that never ends, and starts a process that leaves its group."""


class Shop:
    """Repositories of git and of packages, and a shelf to install onto."""

    def __init__(self, folder: Path) -> None:
        self.repositories = folder / "repositories"
        self.cran = folder / "cran"
        self.root = folder / "apps"
        self.shelf = Shelf(self.root)

    def request(
        self, source: str, name: str, ref: str | None = None, **changes: object
    ) -> InstallRequest:
        addresses = {
            "github_url": str(self.repositories),
            "gist_url": str(self.repositories),
            "cran_url": str(self.cran),
            "bioc_url": str(self.cran),
        }
        return InstallRequest(source, name, ref, **{**addresses, **changes})  # type: ignore[arg-type]

    def install(self, *what: str, **changes: object) -> Installed:
        return asyncio.run(Installer(self.shelf).install(self.request(*what, **changes)))

    def repository(self, name: str) -> Path:
        return self.repositories / name

    def releases(self) -> set[str]:
        return {path.name for path in (self.root / "releases").iterdir()}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.fixture(scope="module")
def cran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packages `top` → `middle` → `bottom`, and `lonely`, which needs one that is nowhere."""
    folder = tmp_path_factory.mktemp("cran")
    offer(
        folder,
        package("bottom", version="2.0"),
        package("middle", needs="bottom (>= 1.5)"),
        package("top", needs="middle, stats", version="1.0"),
        package("lonely", needs="neverland"),
        package("greedy", needs="bottom (>= 3.0)"),
    )
    return folder


def r_says(installed: Installed, code: str) -> str:
    environment = {**os.environ, "R_LIBS": str(installed.folder)}
    command = ["Rscript", "--vanilla", "-e", code]
    return subprocess.check_output(command, env=environment, text=True).strip()


# Repositories of git


def test_package_may_be_called_otherwise_than_its_repository(shop: Shop) -> None:
    commit_id = commit(shop.repository("ada/greeter-for-r"), package("greeter"))
    installed = shop.install("github", "ada/greeter-for-r")
    assert (installed.package, installed.version) == ("greeter", "0.1")
    assert (installed.commit, installed.packages) == (commit_id, {"greeter": "0.1"})
    assert installed.origin == f"file://{shop.repositories}/ada/greeter-for-r"
    assert shop.shelf.find("github", "Ada/Greeter-For-R") == installed
    assert r_says(installed, "cat(greeter::greeter())") == "0.1"
    assert "Help of greeter" in r_says(installed, "print(tools::Rd_db('greeter'))")


def test_same_commit_is_looked_up_and_not_built_again(shop: Shop) -> None:
    commit(shop.repository("ada/greeter"), package("greeter"))
    first = shop.install("github", "ada/greeter")
    again = shop.install("github", "ada/greeter", "main")
    assert again.folder == first.folder
    assert again.installed_at == first.installed_at
    assert again.checked_at > first.checked_at
    assert shop.releases() == {first.release}


def test_new_commit_goes_live_and_the_old_release_still_works(shop: Shop) -> None:
    repository = shop.repository("ada/greeter")
    commit(repository, package("greeter"))
    old = shop.install("github", "ada/greeter")
    commit(repository, package("greeter", version="0.2"))
    new = shop.install("github", "ada/greeter")
    assert shop.shelf.find("github", "ada/greeter") == new
    assert new.version == "0.2"
    assert r_says(old, "cat(greeter::greeter())") == "0.1"


def test_installation_with_a_missing_package_is_made_again(shop: Shop) -> None:
    commit(shop.repository("ada/greeter"), package("greeter"))
    first = shop.install("github", "ada/greeter")
    shutil.rmtree(first.folder / "greeter")
    again = shop.install("github", "ada/greeter")
    assert again.release != first.release
    assert is_whole(again)


@pytest.fixture(scope="module")
def storied(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, dict[str, str]]:
    """A repository with a history, of files (a gist takes any): what names which commit."""
    shop = Shop(tmp_path_factory.mktemp("storied"))
    repository = shop.repository("ada/1f2e")
    commits = {"first": commit(repository, {"hello.R": "'first'"})}
    git(repository, "tag", "--annotate", "v1", "--message", "One")
    git(repository, "switch", "--quiet", "--create", "feature/x")
    commits["branch"] = commit(repository, {"hello.R": "'branch'"})
    git(repository, "switch", "--quiet", "main")
    commits["last"] = commit(repository, {"hello.R": "'last'"})
    return shop, commits


@pytest.mark.parametrize(
    ("ref", "which"), [(None, "last"), ("main", "last"), ("feature/x", "branch"), ("v1", "first")]
)
def test_branch_and_tag_name_a_commit(
    storied: tuple[Shop, dict[str, str]], ref: str | None, which: str
) -> None:
    shop, commits = storied
    installed = shop.install("gist", "ada/1f2e", *([ref] if ref else []))
    assert (installed.commit, installed.ref) == (commits[which], ref)
    assert (installed.folder / "hello.R").read_text() == f"'{which}'"


@pytest.mark.parametrize("digits", [40, 8])
def test_commit_is_found_by_its_whole_or_shortened_name(
    storied: tuple[Shop, dict[str, str]], digits: int
) -> None:
    shop, commits = storied
    installed = shop.install("gist", "ada/1f2e", commits["first"][:digits])
    assert installed.commit == commits["first"]


@pytest.mark.parametrize("ref", ["nowhere", "deadbeef", "d" * 40])
def test_unknown_ref_is_named(storied: tuple[Shop, dict[str, str]], ref: str) -> None:
    with pytest.raises(OriginNotFound, match=f"no branch, tag or commit '{ref}'"):
        storied[0].install("gist", "ada/1f2e", ref)


def test_gist_is_its_files_and_nothing_else(shop: Shop) -> None:
    repository = shop.repository("1f2e3d")  # below the id alone, as gists were once
    (repository / "data").mkdir(parents=True)
    (repository / "secrets").symlink_to("/etc/passwd")
    commit(repository, {"hello.R": "cat('hello')", "data/x.csv": "x\n1\n"})
    installed = shop.install("gist", "ada/1f2e3d")
    names = {str(path.relative_to(installed.folder)) for path in installed.folder.rglob("*")}
    assert names == {"hello.R", "data", "data/x.csv", "secrets"}
    assert (installed.folder / "secrets").read_text() == "/etc/passwd"  # the text of the link
    assert (installed.package, installed.version, installed.packages) == (None, None, {})


def test_repository_is_fetched_over_http(shop: Shop) -> None:
    commit(shop.repository("ada/1f2e"), {"hello.R": "1"})
    bare = shop.repositories / "web" / "ada" / "1f2e.git"
    git(shop.repositories, "clone", "--quiet", "--bare", "ada/1f2e", str(bare))
    git(bare, "update-server-info")
    with serve(shop.repositories / "web") as address:
        guarded = address.replace("http://", "http://ada:secret@")
        installed = shop.install("gist", "ada/1f2e", gist_url=guarded)
        assert installed.origin == f"{address}/ada/1f2e.git"
        with pytest.raises(OriginNotFound, match=r"no repository ada/other at http://127[^@]*, or"):
            shop.install("github", "ada/other", github_url=guarded)
    assert (installed.folder / "hello.R").read_text() == "1"
    with pytest.raises(InstallFailed, match=r"ada/other cannot be reached at http://127") as failed:
        shop.install("github", "ada/other", github_url=guarded)
    assert "secret" not in str(failed.value)


# Repositories of packages


def test_package_brings_what_it_needs(shop: Shop, cran: Path) -> None:
    installed = shop.install("cran", "top", cran_url=f"file://{cran}")
    assert installed.packages == {"bottom": "2.0", "middle": "0.1", "top": "1.0"}
    assert (installed.package, installed.version, installed.commit) == ("top", "1.0", None)
    assert installed.origin == f"file://{cran}"
    archive = cran / "src" / "contrib" / "top_1.0.tar.gz"
    digest = subprocess.check_output(["sha256sum", str(archive)], text=True).split()[0]
    assert installed.digest == digest
    assert r_says(installed, "cat(top::top())") == "1.0"


def test_packages_come_over_http_and_the_same_version_once(shop: Shop, cran: Path) -> None:
    with serve(cran) as address:
        first = shop.install("cran", "bottom", cran_url=address)
        again = shop.install("cran", "bottom", cran_url=address)
        with pytest.raises(OriginNotFound, match=rf"no package 'nowhere' .*{address}"):
            shop.install("cran", "nowhere", cran_url=address)
    assert again.folder == first.folder
    assert again.checked_at > first.checked_at
    with pytest.raises(InstallFailed, match="the repository cannot be read"):
        shop.install("cran", "bottom", cran_url=address)


def test_new_version_of_a_package_replaces_the_old(shop: Shop) -> None:
    offer(shop.cran, package("fresh", version="1.0"))
    shop.install("cran", "fresh")
    offer(shop.cran, package("fresh", version="1.1"))
    assert shop.install("cran", "fresh").version == "1.1"


def test_bioc_looks_for_needs_in_both_repositories(shop: Shop, cran: Path) -> None:
    offer(shop.cran, package("gene", needs="bottom"))
    installed = shop.install("bioc", "gene", cran_url=str(cran))
    assert installed.packages == {"bottom": "2.0", "gene": "0.1"}
    assert installed.origin == f"file://{shop.cran}"
    with pytest.raises(OriginNotFound, match="no package 'top'"):
        shop.install("bioc", "top", cran_url=str(cran))


def test_repository_of_git_takes_needs_from_that_of_packages(shop: Shop, cran: Path) -> None:
    commit(shop.repository("ada/app"), package("app", needs="middle,\n  MASS (>= 7.0), R6"))
    installed = shop.install("github", "ada/app", cran_url=str(cran))
    assert installed.packages == {"app": "0.1", "bottom": "2.0", "middle": "0.1"}


# What goes wrong


def test_unknown_repository_is_said_without_naming_folders(shop: Shop) -> None:
    shop.repositories.mkdir()
    with pytest.raises(OriginNotFound, match="no repository ada/none, or it is private") as failed:
        shop.install("github", "ada/none")
    assert "repositories" not in str(failed.value)
    assert str(shop.repositories) in failed.value.log
    assert shop.releases() == set()


def test_repository_without_a_package_is_said(shop: Shop) -> None:
    commit(shop.repository("ada/notes"), {"README.md": "notes"})
    with pytest.raises(InstallFailed, match="there is no DESCRIPTION, so it is no R package"):
        shop.install("github", "ada/notes")


@pytest.mark.parametrize("name", ["stats", "../up", "x"])
def test_package_with_an_impossible_name_is_refused(shop: Shop, name: str) -> None:
    description = f"Package: {name}\nVersion: 1.0\n"
    commit(shop.repository("ada/odd"), {"DESCRIPTION": description})
    with pytest.raises(InstallFailed, match="called"):
        shop.install("github", "ada/odd")


@pytest.mark.parametrize(("name", "what"), [("lonely", "neverland"), ("greedy", r"bottom >= 3\.0")])
def test_missing_need_is_named(shop: Shop, cran: Path, name: str, what: str) -> None:
    with pytest.raises(InstallFailed, match=f"it needs '{what}'.*set install.cran_url") as failed:
        shop.install("cran", name, cran_url=str(cran))
    assert str(cran) not in str(failed.value)


def test_broken_update_tells_why_and_leaves_the_old_one_live(shop: Shop) -> None:
    repository = shop.repository("ada/greeter")
    commit(repository, package("greeter"))
    old = shop.install("github", "ada/greeter")
    commit(repository, package("greeter", "greeter <- function() {\n  1 +\n}\n"))
    with pytest.raises(InstallFailed, match=r"(?s)R's last words.*unexpected '}'") as failed:
        shop.install("github", "ada/greeter")
    assert str(shop.root) not in str(failed.value)
    assert str(shop.root) in failed.value.log
    assert shop.shelf.find("github", "ada/greeter") == old
    assert shop.releases() == {old.release}


def test_package_that_does_not_load_is_no_installation(shop: Shop) -> None:
    code = ".onLoad <- function(...) stop('not today')\n"
    commit(shop.repository("ada/moody"), package("moody", code))
    with pytest.raises(InstallFailed, match="not today"):
        shop.install("github", "ada/moody")


def test_server_without_git_says_so(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = shop.root.parent / "bin"
    programs.mkdir()
    for program in Path("/usr/bin").iterdir():
        if program.name != "git":
            (programs / program.name).symlink_to(program)
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(InstallFailed, match=r"needs the program `git`.*apt install git"):
        shop.install("github", "ada/greeter")


# Limits


def test_endless_installation_is_killed_with_all_it_started(shop: Shop) -> None:
    commit(shop.repository("ada/slow"), package("slow", configure=ENDLESS))
    with pytest.raises(InstallTimeout, match="after 3 seconds, its time limit"):
        shop.install("github", "ada/slow", timeout_s=3)
    assert running("sleep 4711471") == []
    assert shop.releases() == set()


def test_installation_ends_what_it_leaves_running(shop: Shop) -> None:
    script = "#!/bin/sh\nsetsid sleep 47114713 >/dev/null 2>&1 &\n"
    commit(shop.repository("ada/messy"), package("messy", configure=script))
    assert shop.install("github", "ada/messy").package == "messy"
    assert running("sleep 47114713") == []


def test_install_script_sees_no_secrets_and_writes_no_endless_file(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LARDER_INSTALL__WEBHOOK_SECRET", "s3cret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    script = "#!/bin/sh\nmkdir -p inst\nenv > inst/seen\ndd if=/dev/zero of=big bs=1M count=9\n"
    script += "wc -c big >> inst/seen\nrm big\n"
    commit(shop.repository("ada/nosy"), package("nosy", configure=script))
    installed = shop.install("github", "ada/nosy", file_bytes=8 * MIB)
    seen = (installed.folder / "nosy" / "seen").read_text()
    assert "s3cret" not in seen
    assert "HOME=/root" not in seen
    assert f"{8 * MIB} big" in seen


@pytest.mark.parametrize("content", [os.urandom(2 * MIB), bytes(2 * MIB)], ids=["packed", "files"])
def test_too_large_repository_is_refused(shop: Shop, content: bytes) -> None:
    commit(shop.repository("ada/1f"), {"large.bin": content})
    with pytest.raises(InstallFailed, match=r"ada/1f is larger than 1 MiB"):
        shop.install("gist", "ada/1f", download_bytes=MIB)
    assert shop.releases() == set()


# Many at once


async def gathered(*work: object) -> list[object]:
    return await asyncio.gather(*work, return_exceptions=True)  # type: ignore[call-overload,no-any-return]


def test_same_request_at_the_same_time_is_one_installation(shop: Shop) -> None:
    commit(shop.repository("ada/1f"), {"hello.R": "1"})

    async def both() -> list[object]:
        installer = Installer(shop.shelf)
        request = shop.request("gist", "ada/1f")
        return await gathered(installer.install(request), installer.install(request))

    first, second = asyncio.run(both())
    assert first is second


def test_who_goes_away_ends_the_installation_only_when_nobody_waits(shop: Shop) -> None:
    commit(shop.repository("ada/slow"), package("slow", configure=ENDLESS))
    request = shop.request("github", "ada/slow")

    async def wait_and_leave() -> None:
        installer = Installer(shop.shelf)
        waiting = [asyncio.create_task(installer.install(request)) for _ in range(2)]
        await asyncio.to_thread(wait_until, lambda: running("sleep 47114712"))
        waiting[0].cancel()
        await asyncio.wait({waiting[0]})
        assert running("sleep 47114712")
        waiting[1].cancel()
        await asyncio.wait({waiting[1]})

    asyncio.run(wait_and_leave())
    assert running("sleep 4711471") == []
    assert shop.releases() == set()


def test_two_run_at_once_and_too_many_are_refused(shop: Shop) -> None:
    for number in range(3):
        commit(shop.repository(f"ada/slow{number}"), package("slow", configure=ENDLESS))

    async def crowd() -> None:
        installer = Installer(shop.shelf, at_once=1, queue_limit=1)
        requests = [shop.request("github", f"ada/slow{number}") for number in range(3)]
        waiting = [asyncio.create_task(installer.install(request)) for request in requests[:2]]
        await asyncio.to_thread(wait_until, lambda: running("sleep 47114712"))
        with pytest.raises(InstallBusy, match="2 installations are waiting already"):
            await installer.install(requests[2])
        assert len(shop.releases()) == 1
        await installer.stop()
        outcomes = await gathered(*waiting)
        assert [type(outcome) for outcome in outcomes] == [InstallFailed, InstallFailed]

    asyncio.run(crowd())
    assert running("sleep 4711471") == []


def test_two_processes_installing_the_same_leave_one_whole_release(shop: Shop) -> None:
    commit(shop.repository("ada/1f"), {"hello.R": "1"})

    async def both() -> list[object]:
        request = shop.request("gist", "ada/1f")
        others = (Installer(Shelf(shop.root)).install(request) for _ in range(4))
        return await gathered(*others)

    outcomes = asyncio.run(both())
    assert all(isinstance(outcome, Installed) for outcome in outcomes)
    live = shop.shelf.find("gist", "ada/1f")
    assert live in outcomes
    assert live is not None
    shop.shelf.sweep(0)
    assert shop.releases() == {live.release}
    assert is_whole(live)
