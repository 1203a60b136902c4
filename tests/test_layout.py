"""The house keeps its shape: who may import whom, and an answer for every error."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from serving import ROOT

from api.errors import STATUS, status_of

PACKAGES = ("cache", "engine", "jobs", "scheduler", "api", "larder")
MAY_IMPORT = {
    "cache": {"cache"},
    "engine": {"engine"},
    "jobs": {"jobs", "engine", "cache"},
    "scheduler": {"scheduler", "jobs", "engine", "cache"},
    "api": {"api", "scheduler", "jobs", "engine", "cache"},
    "larder": set(PACKAGES),
}
HOMES = {
    "rpy2": {"engine"},
    "diskcache": {"cache"},
    "sqlalchemy": {"jobs"},
    "fastapi": {"api"},
    "starlette": {"api", "larder"},
    "authlib": {"api"},
    "joserfc": {"api"},
    "jinja2": {"api"},
    "apscheduler": {"scheduler"},
    "typer": {"larder"},
    "uvicorn": {"larder"},
}
"""Where a library may be imported: nobody else knows that it is used."""


def imports() -> Iterator[tuple[Path, str, str]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names = [node.module]
                for name in names:
                    yield path.relative_to(ROOT), package, name.partition(".")[0]


def test_imports_go_one_way() -> None:
    wrong = [
        f"{path} imports {name}"
        for path, package, name in imports()
        if name in PACKAGES and name not in MAY_IMPORT[package]
    ]
    assert not wrong


def test_each_library_has_one_home() -> None:
    wrong = [
        f"{path} imports {name}"
        for path, package, name in imports()
        if name in HOMES and package not in HOMES[name]
    ]
    assert not wrong


R_USERS = {
    "engine/convert.py",
    "engine/quick_json.py",
    "engine/r_bodies.py",
    "engine/support.py",
    "engine/value_cells.py",
    "engine/worker.py",
}


def test_r_is_opened_in_the_forking_parent_alone() -> None:
    users = {str(path) for path, _, name in imports() if name == "rpy2"}
    assert users == R_USERS


def test_broker_is_without_r() -> None:
    code = "import sys, larder.engine_role; sys.exit('rpy2' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize("package", ["cache", "engine", "jobs", "scheduler", "api"])
def test_every_error_has_a_status(package: str) -> None:
    errors = importlib.import_module(f"{package}.errors")
    classes = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, Exception) and kind.__module__ == errors.__name__
    ]
    assert classes
    for kind in classes:
        root = kind.__mro__[[base in STATUS for base in kind.__mro__].index(True)]
        assert status_of(kind.__new__(kind)) == STATUS[root]


def test_errors_of_a_package_have_one_root() -> None:
    for package in ("cache", "engine", "jobs", "scheduler", "api", "larder"):
        module = importlib.import_module(f"{package}.errors")
        own = {
            kind
            for _, kind in inspect.getmembers(module, inspect.isclass)
            if issubclass(kind, Exception) and kind.__module__.startswith(f"{package}.")
        }
        roots = {kind for kind in own if not own & set(kind.__mro__[1:])}
        assert len(roots) == 1, f"{package}: {roots}"


def test_modules_are_small() -> None:
    longest = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
    }
    assert {name for name, lines in longest.items() if lines > 300} == set()


def test_no_module_is_called_utils() -> None:
    for package in ("cache", "jobs", "scheduler", "api", "larder"):
        for module in pkgutil.iter_modules([str(ROOT / package)]):
            assert module.name != "utils"
