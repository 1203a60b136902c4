"""What the host gives is found out, told, and required where that is asked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fortress import PLAIN, interpreter
from kitchen import gain_job
from serving import ROOT

from cache.keys import Code, SessionObject
from engine import host
from engine.errors import WallsMissing
from engine.host import Host
from engine.limits import Limits
from engine.privileges import user_of
from engine.reach import beside, of_call, of_project, of_system
from larder import listen, walls
from larder.doctor import examine
from larder.errors import ListeningRefused
from larder.settings import load_settings

FULL = Host(landlock=7, seccomp=True, user_namespace=True)
KEY, OTHER = "x0" + "ab" * 7, "x0" + "cd" * 13


def test_full_set_of_walls_lacks_nothing() -> None:
    assert FULL.missing == ()
    assert Host(landlock=1, seccomp=True, own_user=True, root=True).missing == ()


def test_each_wall_that_is_not_there_is_told() -> None:
    assert [lack.partition(":")[0] for lack in Host().missing] == [
        "no Landlock",
        "no seccomp",
        "no user or user namespace for each call",
    ]
    assert "change it" in Host().missing[0]
    assert "change it" not in Host(own_user=True, root=True).missing[0]


def test_processes_of_root_are_not_counted_in_a_namespace() -> None:
    assert not Host(landlock=7, seccomp=True, user_namespace=True, root=True).counts_processes


def test_host_comes_back_from_the_wire() -> None:
    assert Host.from_wire({**FULL.to_wire(), "mode": "auto"}) == FULL


def test_this_host_is_looked_at_alike_from_within_and_from_without(tmp_path: Path) -> None:
    assert walls.look_at_host(tmp_path) == host.probe(tmp_path)
    assert not list(tmp_path.iterdir())


def test_plain_user_gets_no_user_of_its_own() -> None:
    python, path = interpreter(PLAIN)
    change = {"user": PLAIN, "group": PLAIN, "extra_groups": []} if os.geteuid() == 0 else {}
    asked = subprocess.run(
        [python, "-m", "engine.host"],
        cwd="/",
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
        **change,  # type: ignore[call-overload]
    )
    assert '"own_user": false' in asked.stdout
    assert '"root": false' in asked.stdout


def test_required_walls_that_are_missing_stop_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "larder.yaml").write_text("engine: {walls: require}\n")
    settings = load_settings(tmp_path)
    monkeypatch.setattr(walls, "look_at_host", lambda: Host(landlock=7, seccomp=True))
    monkeypatch.setattr(host, "probe", lambda _: Host(seccomp=True))
    with pytest.raises(WallsMissing, match=r"engine\.walls requires: no user or user namespace"):
        walls.check_walls(settings)
    with pytest.raises(WallsMissing, match="no Landlock"):
        host.host_for("require", tmp_path)
    assert host.host_for("auto", tmp_path) == Host(seccomp=True)
    assert host.host_for("off", tmp_path).missing == (host.OFF,)


def test_missing_walls_are_told_where_listening_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walls, "look_at_host", lambda: Host(seccomp=True, own_user=True))
    settings = load_settings(tmp_path, overrides={"host": "::"})
    with pytest.raises(ListeningRefused, match=r"(?s)no keys.*a wall is missing.*no Landlock"):
        listen.check_address(settings)
    without = load_settings(tmp_path, overrides={"host": "::", "engine.walls": "off"})
    with pytest.raises(ListeningRefused, match=r"engine\.walls is off"):
        listen.check_address(without)
    listen.check_address(load_settings(tmp_path))


def test_doctor_names_every_wall() -> None:
    found = {finding.name for finding in examine()}
    assert {"walls: files", "walls: system calls", "walls: each call"} <= found


def test_operator_opens_paths_of_the_project_of_a_home_and_of_the_machine() -> None:
    opened = of_project("/clinic", "/state", ["maps", "~/r", "/srv/data"])
    assert set(opened) >= {"/clinic/maps", str(Path.home() / "r"), "/srv/data", "/clinic/data"}


def test_call_reaches_its_folder_and_the_sessions_it_names(tmp_path: Path) -> None:
    (tmp_path / ".inputs").mkdir()
    (tmp_path / ".inputs" / "0").write_text(f"f({OTHER}::x)")
    request = {
        "operation": "evaluate",
        "arguments": [
            {"name": "x", "kind": "code", "value": f"c({KEY}, 1)"},
            {"name": "y", "kind": "code_file", "value": "0"},
        ],
        "script": "/package/scripts/a.R",
        "library": "/home/ann/R",
    }
    reach = of_call({"request": request, "folder": str(tmp_path)}, "/sessions")
    assert reach.write == (str(tmp_path),)
    assert set(reach.read) == {
        *(f"/sessions/{KEY}", f"/sessions/{OTHER}", "/package/scripts", "/home/ann/R")
    }


def test_cell_of_a_batch_reaches_what_the_others_do() -> None:
    cells = [
        {"request": {"arguments": [{"value": KEY}]}, "folder": "/a"},
        {"request": {"arguments": []}, "folder": "/b"},
    ]
    reach = of_call({**cells[1], "beside": beside(cells)}, "/sessions")
    assert set(reach.write) == {"/a", "/b"}
    assert reach.read == (f"/sessions/{KEY}",)


def test_nothing_private_of_the_system_can_be_read() -> None:
    every = of_system([])
    assert not {"/", "/etc", "/proc", "/root", "/home", "/tmp", "/var", "/dev"} & set(every)
    assert not any("shadow" in path or "ssh" in path for path in every)


def test_users_of_two_children_differ() -> None:
    assert user_of(1) != user_of(2)


def test_network_of_a_job_is_not_for_the_code_of_its_callers() -> None:
    job = gain_job(network=True)
    assert job.limits(Limits(), ["CBT", 70, [1, {"a": True}]]).network
    for foreign in (Code("f()"), SessionObject(KEY), [1, Code("f()")]):
        assert not job.limits(Limits(), ["CBT", foreign]).network
    assert not gain_job().limits(Limits(), [1]).network
    assert gain_job().limits(Limits(network=True), [Code("f()")]).network


def test_root_of_the_repository_is_no_place_that_calls_can_read() -> None:
    assert not any(str(ROOT).startswith(f"{path}/") for path in of_system([]))
    assert sys.executable
