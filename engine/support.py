"""The support functions, engine/r: compiled once for each version of them and of R, and kept.

Left to R they would be compiled while they run: some in the forking parent, the others in every
child anew, which took more than the call itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from rpy2 import rinterface as ri

from engine.convert import to_r

R_FOLDER = Path(__file__).parent / "r"
COMPILE = """
function(functions) {
  for (name in ls(functions, all.names = TRUE)) {
    if (is.function(functions[[name]])) functions[[name]] <- compiler::cmpfun(functions[[name]])
  }
  functions$compile_methods()
}
"""


def support_functions(keep: Path) -> ri.SexpEnvironment:
    """Returns an environment with the support functions, compiled.

    Above them is base, not the global environment: what user code assigns there is not ours.

    Args:
        keep: the folder that they are kept in.
    """
    scripts = sorted(R_FOLDER.glob("*.R"))
    file = keep / f"{_version(scripts)}.rds"
    if file.exists():
        with contextlib.suppress(ri.embedded.RRuntimeError):
            found = ri.baseenv["readRDS"](to_r(str(file)))
            if isinstance(found, ri.SexpEnvironment):
                return found
    functions = _sourced(scripts)
    ri.evalr(COMPILE)(functions)
    with contextlib.suppress(OSError, ri.embedded.RRuntimeError):  # a full disk costs time only
        _write(functions, file)
    return functions


def _sourced(scripts: list[Path]) -> ri.SexpEnvironment:
    functions: ri.SexpEnvironment = ri.baseenv["new.env"](parent=ri.baseenv[".BaseNamespaceEnv"])
    for script in scripts:
        ri.baseenv["sys.source"](to_r(str(script)), envir=functions)
    return functions


def _version(scripts: list[Path]) -> str:
    said = (ri.baseenv["R.version.string"][0], ri.evalr("format(packageVersion('jsonlite'))")[0])
    version = hashlib.blake2b(" ".join(map(str, said)).encode(), digest_size=16)
    for script in scripts:
        version.update(script.read_bytes())
    return version.hexdigest()


def _write(functions: ri.SexpEnvironment, file: Path) -> None:
    file.parent.mkdir(mode=0o700, exist_ok=True)
    aside = file.with_suffix(f".{os.getpid()}")
    try:
        ri.baseenv["saveRDS"](functions, to_r(str(aside)), compress=False)
        for old in file.parent.glob("*.rds"):
            old.unlink(missing_ok=True)
        aside.replace(file)
    finally:
        aside.unlink(missing_ok=True)
