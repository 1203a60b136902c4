"""The support functions as they are kept: compiled, and the same after a start."""

import subprocess
import sys
from pathlib import Path

import pytest
from serving import ROOT

pytestmark = pytest.mark.r

CODE = """
import sys
from pathlib import Path
from engine.loading import start_base
folder = Path(sys.argv[1])
config = {"sessions_root": str(folder), "state": str(folder), "project": None, "libraries": []}
config |= {"json_digits": 4, "ocpu_version": "2.2.12", "preload": []}
r, _ = start_base(config, folder)
from rpy2 import rinterface as ri
kind = ri.evalr("function(f) typeof(.Internal(bodyCode(f)))")
functions = ("serve", "evaluate_request", "render_output", "read_device", "evaluate_rows")
print(*{kind(r._larder[name])[0] for name in functions})
"""
"""Prints how R has some functions: `bytecode`, or `language` where it would still compile them."""


def start(folder: Path) -> str:
    command = [sys.executable, "-c", CODE, str(folder)]
    return subprocess.check_output(command, cwd=ROOT, text=True).strip()


def test_functions_are_compiled_once_and_kept(tmp_path: Path) -> None:
    assert start(tmp_path) == "bytecode"
    (kept,) = (tmp_path / "support").iterdir()
    made = kept.stat().st_mtime_ns
    assert start(tmp_path) == "bytecode"
    assert [kept] == list((tmp_path / "support").iterdir())
    assert kept.stat().st_mtime_ns == made


@pytest.mark.parametrize("content", [b"", b"no R", b"half"])
def test_broken_file_is_made_anew(tmp_path: Path, content: bytes) -> None:
    start(tmp_path)
    (kept,) = (tmp_path / "support").iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2] if content == b"half" else content)
    assert start(tmp_path) == "bytecode"
    assert len(kept.read_bytes()) == len(whole)


def test_file_of_another_version_goes(tmp_path: Path) -> None:
    old = tmp_path / "support" / f"{'0' * 32}.rds"
    old.parent.mkdir()
    old.write_bytes(b"old")
    start(tmp_path)
    (kept,) = (tmp_path / "support").iterdir()
    assert kept != old
