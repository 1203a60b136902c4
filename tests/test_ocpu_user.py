"""Users' libraries: those that the server may read, served as its own are."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import NoPool
from shop import package, write
from worker import Worker, engine, worker

from api.home_libraries import HomeLibraries, User, library_pattern
from engine.pool import Pool

R_42 = {"version": "R version 4.2.2 Patched (2022-11-10 r83330)"}
LIBRARY = "R/x86_64-pc-linux-gnu-library/4.2"


def home(folder: Path, name: str, library: str = LIBRARY, *, mode: int = 0o755) -> User:
    """A user whose home folder lets others through, with a library of this mode."""
    found = folder / name / library
    found.mkdir(parents=True)
    found.chmod(mode)
    for parent in found.parents:
        if parent == folder:
            break
        parent.chmod(0o711)
    return User(name, folder / name)


def homes(*users: User, as_root: bool = True) -> HomeLibraries:
    return HomeLibraries(lambda: users, as_root=as_root)


def test_library_is_where_r_looks_for_it(tmp_path: Path) -> None:
    ann = home(tmp_path, "ann")
    assert homes(ann).find("ann", R_42) == tmp_path / "ann" / LIBRARY
    assert homes(ann).find("ann", {"version": "R version 4.3.1 (2023-06-16)"}) is None
    elsewhere = home(tmp_path, "ben", "rlibs/[4.2]")
    told = {**R_42, "user_library": "~/rlibs/[4.2]/"}
    assert homes(elsewhere).find("ben", told) == tmp_path / "ben/rlibs/[4.2]"
    assert homes(elsewhere).find("ben", R_42) is None


@pytest.mark.parametrize("told", ["", "/srv/library", "~", "NULL"])
def test_library_outside_the_home_folder_is_no_users(told: str) -> None:
    assert library_pattern({**R_42, "user_library": told}) == "R/*-library/4.2"


def test_library_that_its_owner_has_not_opened_is_not_served_by_root(tmp_path: Path) -> None:
    private = home(tmp_path, "ann", mode=0o750)
    behind = home(tmp_path, "ben")
    (tmp_path / "ben").chmod(0o700)
    public = home(tmp_path, "cid")
    found = homes(private, behind, public)
    assert found.names(R_42) == ["cid"]
    assert found.find("ann", R_42) is None
    assert found.find("ben", R_42) is None


def test_server_of_a_plain_user_serves_what_it_can_read(tmp_path: Path) -> None:
    ann = home(tmp_path, "ann")
    none = User("ben", tmp_path / "ben")
    assert homes(ann, none, as_root=False).names(R_42) == ["ann"]


@pytest.mark.parametrize("name", ["", ".", "..", "../ann", "a/b", "ann\0", "*", "-ann", "a" * 65])
def test_name_that_no_user_has_finds_nothing(tmp_path: Path, name: str) -> None:
    ann = home(tmp_path, "ann")
    assert homes(ann, User(name, tmp_path / "ann")).find(name, R_42) is None


def test_home_that_is_none_is_not_searched() -> None:
    found = homes(User("daemon", Path("/")), User("odd", Path("relative")), as_root=False)
    assert found.names(R_42) == []


def test_users_of_this_machine_are_looked_through() -> None:
    names = HomeLibraries().names(R_42)
    assert "nobody" not in names
    assert HomeLibraries().find("nobody", R_42) is None


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> HomeLibraries:
    """Ann has the package rye, of which the server knows nothing; Ben has no library."""
    folder = tmp_path_factory.mktemp("home")
    folder.chmod(0o755)
    words = 'cat(R.version$platform, R.version$major, sub("[.].*", "", R.version$minor))'
    r = subprocess.check_output(["Rscript", "-e", words], text=True).split()
    library = f"R/{r[0]}-library/{r[1]}.{r[2]}"
    ann = home(folder, "ann", library)
    files = {
        **package("rye", 'bread <- function() paste("rye", oat::grain())\n', needs="oat"),
        "data/sacks.csv": "kg\n25\n",
        "inst/scripts/twice.R": "print(21 * 2)\n",
    }
    for name, content in {
        "oat": package("oat", 'grain <- function() "oat"\n'),
        "rye": files,
    }.items():
        write(folder / "sources" / name, content)
        command = ["R", "CMD", "INSTALL", "--library", str(ann.home / library)]
        environment = {"R_LIBS": str(ann.home / library), "PATH": os.environ["PATH"]}
        subprocess.run(
            [*command, str(folder / "sources" / name)],
            check=True,
            capture_output=True,
            env=environment,
        )
    (folder / "ben").mkdir()
    return homes(ann, User("ben", folder / "ben"))


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with engine(tmp_path_factory.mktemp("state")) as state:
        yield state


@pytest.fixture
def made(state: Path, users: HomeLibraries) -> Iterator[Worker]:
    with worker(state, homes=users) as made:
        yield made


@pytest.mark.r
def test_users_with_a_library_are_listed(made: Worker) -> None:
    assert made.get("/user").headers["location"] == f"{made.url}/ocpu/user/"
    listing = made.get("/user/")
    assert (listing.status_code, listing.text) == (200, "ann\n")
    assert "cache-control" not in listing.headers
    assert made.get("/user/ann").headers["location"] == f"{made.url}/ocpu/user/ann/"
    assert made.get("/user/ann/").text == "library\n"
    assert made.get("/user/ann/library").headers["location"].endswith("/user/ann/library/")
    packages = made.get("/user/ann/library/")
    assert packages.text == "oat\nrye\n"
    assert packages.headers["cache-control"] == "max-age=86400, public"


@pytest.mark.r
def test_package_of_a_user_is_served_as_one_of_the_server(made: Worker) -> None:
    root = made.get("/user/ann/library/rye/")
    assert root.headers["location"] == f"{made.url}/ocpu/user/ann/library/rye/info"
    assert made.get("/user/ann/library/rye/R/").text == "bread\n"
    assert made.get("/user/ann/library/rye/data/sacks/csv").text == '"kg"\r\n25\r\n'
    assert "Help of rye" in made.get("/user/ann/library/rye/man/topic/text").text
    assert made.get("/user/ann/library/rye/DESCRIPTION").text.startswith("Package: rye")
    called = made.post("/user/ann/library/rye/R/bread/json")
    assert (called.status_code, called.json()) == (201, ["rye oat"])
    assert made.post("/user/ann/library/rye::bread/json").json() == ["rye oat"]
    script = made.post("/user/ann/library/rye/scripts/twice.R")
    assert script.status_code == 201


@pytest.mark.r
def test_session_of_a_users_package_is_read_like_any_other(made: Worker) -> None:
    key = made.post("/user/ann/library/rye/R/bread").headers["x-ocpu-session"]
    assert made.get(f"/tmp/{key}/R/.val/json").json() == ["rye oat"]
    assert made.post("/library/base/R/nchar/json", data={"x": key}).json() == [7]


@pytest.mark.r
def test_packages_of_a_user_are_nobody_elses(made: Worker) -> None:
    assert made.get("/library/rye/info").status_code == 400
    assert made.get("/user/ann/library/MASS/info").status_code == 400


@pytest.mark.r
@pytest.mark.parametrize("name", ["bob", "ben", "root", "%2e%2e", "a%0d%0aX-Evil:1"])
def test_user_without_a_library_is_answered_like_one_who_is_not_there(
    made: Worker, name: str
) -> None:
    for path in (f"/user/{name}", f"/user/{name}/", f"/user/{name}/library/stats/R/rnorm"):
        answer = made.get(path)
        assert answer.status_code == 404
        assert answer.text.startswith("User ")
        assert answer.text.endswith(" not found.\n")
        assert "x-evil" not in answer.headers


@pytest.mark.r
def test_what_else_a_user_may_have_is_not_served(made: Worker) -> None:
    assert made.get("/user/ann/apps/").status_code == 404
    for path, allow in (
        ("/user/", "GET, HEAD, OPTIONS"),
        ("/user/ann/", "GET, HEAD, OPTIONS"),
        ("/user/ann/library/", "GET, HEAD, OPTIONS"),
        ("/user/ann/library/rye/R/bread", "GET, HEAD, POST, OPTIONS"),
    ):
        answer = made.client.delete(path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allow)


@pytest.mark.r
def test_r_says_where_its_users_have_their_libraries(state: Path) -> None:
    pool = Pool(state / "engine.sock")
    r = pool.info()["r"]
    pool.close()
    version = r["version"].split()[2].rpartition(".")[0]
    assert library_pattern(r).endswith(f"-library/{version}")


def test_users_are_looked_for_without_r(tmp_path: Path) -> None:
    ann = home(tmp_path, "ann")
    with worker(tmp_path / "state", pool=NoPool(), homes=homes(ann)) as made:
        assert made.get("/user/").text == "ann\n"
        assert made.get("/user/ann/").text == "library\n"
