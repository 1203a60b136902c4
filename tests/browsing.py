"""A real browser for tests, pages of another origin to open in it, packages to call from them."""

import functools
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright
from serving import ROOT

BROWSER = ROOT / "tests" / "browser"
PACKAGES = ROOT / "tests" / "packages"
JQUERY = "1.11.1"  # what the client's documentation loads
TODAYS_JQUERY = "3.7.1"
WITHIN_MS = 20_000  # for what comes in milliseconds unless the test is to fail
expect.set_options(timeout=WITHIN_MS)


def browser_path() -> str | None:
    """The distribution's browser; None where script/setup had to take Playwright's own."""
    found = (shutil.which(name) for name in ("chromium", "google-chrome"))
    return next((path for path in found if path), None)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A browser that reaches this machine only: what a page takes from elsewhere fails its test.

    Playwright keeps an event loop open in this thread, so other tests may need it closed: use it
    for one module.
    """
    nowhere = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path(),
            chromium_sandbox=False,  # it has none as root; and it sees no pages but ours
            args=[nowhere, "--no-proxy-server"],
        )
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Tab:
    """An open page, and what its console complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def expect_complaint(self, part: str) -> None:
        """Says that the test provokes a complaint: it has to come, and is then no failure."""
        self.expected.append(part)

    def hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def settle(self) -> None:
        """Fails if the console said what was not expected, or not what was."""
        unexpected = [c for c in self.complaints if not any(part in c for part in self.expected)]
        assert not unexpected, f"the console says {unexpected}"
        missing = [part for part in self.expected if not any(part in c for c in self.complaints)]
        assert not missing, f"the console does not say {missing} but {self.complaints}"


@contextmanager
def open_tab(
    browser: Browser, *, width: int = 1100, dark: bool = False, scripts: bool = True
) -> Iterator[Tab]:
    """A page of a browser profile of its own; at the end its console must be clean."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
        java_script_enabled=scripts,
    )
    context.set_default_timeout(WITHIN_MS)
    try:
        tab = Tab(context.new_page())
        tab.page.on("console", tab.hear)
        tab.page.on("pageerror", lambda error: tab.complaints.append(f"uncaught: {error}"))
        yield tab
        tab.settle()
    finally:
        context.close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as it is there
        """Says nothing: the browser's console has it."""


@contextmanager
def serve_pages(folder: Path) -> Iterator[str]:
    """The URL of a plain file server on `folder`: another origin than Larder's."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def add_client(folder: Path, jquery: str = JQUERY) -> None:
    """Puts the official client and jQuery where a page loads them from, as apps ship them."""
    vendor = BROWSER / "vendor"
    shutil.copy(vendor / "opencpu.js" / "opencpu-0.5.js", folder / "opencpu.js")
    shutil.copy(vendor / "jquery" / f"jquery-{jquery}.min.js", folder / "jquery.js")


def copy_package(name: str, folder: Path) -> Path:
    """The sources of a package of tests/packages, complete with the client: ready to publish."""
    sources = folder / name
    shutil.copytree(PACKAGES / name, sources)
    add_client(sources / "inst" / "www")
    return sources


def install_package(sources: Path, library: Path) -> None:
    """Installs a package as R does it."""
    library.mkdir(exist_ok=True)
    command = ["R", "CMD", "INSTALL", "--no-test-load", f"--library={library}", str(sources)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
