"""Where R's shared libraries are looked for."""

import subprocess

from engine.library_path import library_path


def test_library_path_is_what_r_has() -> None:
    ask = 'cat(R.home(), Sys.getenv("LD_LIBRARY_PATH"), sep = "\\n")'
    answer = subprocess.run(["Rscript", "-e", ask], capture_output=True, text=True, check=True)
    home, path = answer.stdout.splitlines()
    assert path
    assert library_path(home) == path
