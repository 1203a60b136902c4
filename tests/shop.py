"""Where packages come from, for tests of installing: repositories of git and of packages."""

import functools
import http.server
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

GIT_ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    **dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "Ada"),
    **dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "ada@example.org"),
    **dict.fromkeys(("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"), "/dev/null"),
}


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.check_output(command, env=GIT_ENVIRONMENT, text=True).strip()


def commit(folder: Path, files: Mapping[str, str | bytes]) -> str:
    """Writes files and commits them, in a repository that is made if there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch=main")
    write(folder, files)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Change")
    return git(folder, "rev-parse", "HEAD")


def write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        if name in {"configure", "cleanup"}:
            file.chmod(0o755)


def package(
    name: str, code: str = "", *, version: str = "0.1", needs: str = "", **files: str
) -> dict[str, str]:
    """The files of a small R package that exports all it defines, with one help page."""
    description = {
        "Package": name,
        "Version": version,
        "Title": "A Test",
        "Description": "A test.",
        "Author": "Ada",
        "Maintainer": "Ada <ada@example.org>",
        "License": "MIT",
        "ByteCompile": "no",
    }
    if needs:
        description["Imports"] = needs
    return {
        "DESCRIPTION": "".join(f"{key}: {value}\n" for key, value in description.items()),
        "NAMESPACE": 'exportPattern("^[a-z]")\n',
        "R/code.R": code or f'{name} <- function() "{version}"\n',
        "man/topic.Rd": f"\\name{{{name}}}\\alias{{{name}}}\\title{{Help of {name}}}"
        f"\\description{{Says its version.}}\\usage{{{name}()}}\n",
        **files,
    }


def offer(repository: Path, *packages: Mapping[str, str]) -> str:
    """Adds built packages to a CRAN-like folder; returns its file URL."""
    contrib = repository / "src" / "contrib"
    sources = repository / "sources"
    contrib.mkdir(parents=True, exist_ok=True)
    for files in packages:
        lines = dict(line.split(": ", 1) for line in files["DESCRIPTION"].splitlines())
        write(sources / lines["Package"], files)
        build = ["R", "CMD", "build", "--no-manual", str(sources / lines["Package"])]
        subprocess.run(build, cwd=contrib, check=True, capture_output=True)
    index = f"invisible(tools::write_PACKAGES('{contrib}', type = 'source'))"
    subprocess.run(["Rscript", "-e", index], check=True, capture_output=True)
    return f"file://{repository}"


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Says nothing."""


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """An HTTP server of the folder's files; gives its address."""
    handler = functools.partial(_Silent, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def running(command: str) -> list[int]:
    """The processes whose command line holds these words."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if command in words and int(folder.name) != os.getpid():
                found.append(int(folder.name))
    return found
