"""A PostgreSQL server for tests: the distribution's programs on a temporary folder, and no network.

The distribution's own server, if one runs, is neither asked nor touched.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from serving import wait_until
from sqlalchemy import URL

OWNER, PASSWORD = "keeper", "open sesame"
LESS_CARE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=16MB")
"""Settings of a server that may lose everything if the machine stops."""
SYSTEM_USER = "postgres"
"""Who runs it where the tests are root's: PostgreSQL refuses to. The package makes this user."""


def program(name: str) -> str:
    """The path of a program of PostgreSQL; Debian has the server's out of everybody's way."""
    found = shutil.which(name)
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    assert found or versions, f"PostgreSQL's {name} is missing: script/setup --dev installs it"
    return str(versions[-1]) if versions else str(found)


class Postgres:
    """A server in a folder; who connects gives the password of `OWNER`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = pwd.getpwnam(SYSTEM_USER)
            os.chown(folder, user.pw_uid, user.pw_gid)
            self._as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        """Makes what the server keeps: an empty database called as its owner."""
        secret = self._folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)  # the folder itself is nobody else's
        how = ("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
        command = [program("initdb"), f"--username={OWNER}", f"--pwfile={secret}", *how]
        made = subprocess.run(
            [*command, f"--pgdata={self._folder / 'data'}"],
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            **self._as_user,
        )
        assert made.returncode == 0, made.stdout + made.stderr

    def start(self) -> None:
        settings = ("listen_addresses=", f"unix_socket_directories={self._folder}", *LESS_CARE)
        command = [program("postgres"), "-D", str(self._folder / "data")]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *(word for setting in settings for word in ("-c", setting))],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                **self._as_user,
            )
        wait_until(self._answers)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        try:
            self.connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Ends it, and every connection with it; SIGQUIT is as if it crashed."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def connect(self, database: str) -> "psycopg.Connection[tuple[Any, ...]]":
        """A connection in which each statement is kept at once."""
        where = {"host": str(self._folder), "dbname": database}
        return psycopg.connect(**where, user=OWNER, password=PASSWORD, autocommit=True)

    def new(self, database: str, *statements: str, like: str = "template1") -> str:
        """Makes a database, as a copy of another, and fills it; returns its address."""
        with self.connect("postgres") as connection:
            connection.execute(f'CREATE DATABASE "{database}" TEMPLATE "{like}"'.encode())
        with self.connect(database) as connection:
            for statement in statements:
                connection.execute(statement.encode())
        return self.url(database)

    def url(self, database: str, *, user: str = OWNER, password: str = PASSWORD) -> str:
        """The address as SQLAlchemy writes it."""
        where = {"host": str(self._folder)}
        url = URL.create("postgresql+psycopg", user, password, database=database, query=where)
        return url.render_as_string(hide_password=False)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A running server, of which nothing is left."""
    # Not in pytest's folder, which other users may not enter; the path of a socket is short.
    folder = Path(tempfile.mkdtemp(prefix="larder-postgres-"))
    server = Postgres(folder)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
