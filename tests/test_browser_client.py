"""OpenCPU's own JavaScript client, in a real browser, from another origin and from the same one."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from browsing import (
    BROWSER,
    JQUERY,
    TODAYS_JQUERY,
    Tab,
    add_client,
    install_package,
    open_browser,
    open_tab,
    serve_pages,
)
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from serving import Server

pytestmark = pytest.mark.server

CSV = {"name": "crop.csv", "mimeType": "text/csv", "buffer": b"kind,kg\nrusset,1\npippin,3\n"}
NUMBERS = [
    ("3", "int 3", "num 3"),
    ("1e6", "int 1000000", "num 1e+06"),
    ("2.5", "num 2.5", "num 2.5"),
]
"""JSON numbers, what R sees of them in a JSON body, and in a form, whose values are R code."""
SEEN = [
    ("true", "logi TRUE"),
    ("null", "NULL"),
    ('"n=1&m=2; \\"x\\" + y"', 'chr "n=1&m=2; \\"x\\" + y"'),
    ('"Äpfel \u6797\u6a8e"', 'chr "Äpfel \u6797\u6a8e"'),
    ("[1, 2, 3]", "int [1:3] 1 2 3"),
    ('["a", "b"]', 'chr [1:2] "a" "b"'),
    ("[[1, 2], [3, 4]]", "int [1:2, 1:2] 1 3 2 4"),
    ('[{"kg": 1, "kind": "russet"}, {"kg": 2, "kind": "pippin"}]', "'data.frame'"),
    ('{"kg": 1, "kind": "russet"}', "List of 2"),
]
"""Other JSON values, and what R sees of them in any body."""


@dataclass
class Site:
    """Where the page is, and the address it calls."""

    page: str
    api: str

    @contextmanager
    def open(self, browser: Browser) -> Iterator[Tab]:
        with open_tab(browser) as tab:
            tab.page.goto(f"{self.page}?{urlencode({'api': self.api})}")
            expect(tab.page.locator("#connected")).to_have_text("orchard")
            yield tab


def make_page(folder: Path, jquery: str = JQUERY) -> Path:
    shutil.copytree(BROWSER / "client", folder)
    add_client(folder, jquery)
    return folder


def make_package(folder: Path) -> Path:
    """A package that is nothing but the page, so that Larder itself serves it."""
    folder.mkdir()
    (folder / "DESCRIPTION").write_text("Package: clientpage\nVersion: 1.0\n")
    (folder / "NAMESPACE").touch()
    (folder / "inst").mkdir()
    make_page(folder / "inst" / "www", TODAYS_JQUERY)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("client")
    install_package(make_package(folder / "sources"), folder / "library")
    shutil.copytree(BROWSER / "project", folder / "orchard")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("R_LIBS", str(folder / "library"))
        with Server(folder / "orchard", workers=1) as server:
            yield server


@pytest.fixture(scope="module")
def elsewhere(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serve_pages(make_page(tmp_path_factory.mktemp("elsewhere") / "www")) as url:
        yield Site(f"{url}/index.html", f"{server.url}/ocpu")


@pytest.fixture(scope="module", params=["other origin", "same origin, today's jQuery"])
def site(request: pytest.FixtureRequest, server: Server, elsewhere: Site) -> Site:
    if request.param == "other origin":
        return elsewhere
    return Site(f"{server.url}/ocpu/library/clientpage/www/", "/ocpu")


@pytest.fixture
def tab(site: Site, browser: Browser) -> Iterator[Tab]:
    with site.open(browser) as tab:
        yield tab


@pytest.fixture
def page(tab: Tab) -> Page:
    return tab.page


def test_call_gives_a_session_that_can_be_read(page: Page, server: Server) -> None:
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.locator("#object")).to_have_text("[16]")
    expect(page.locator("#stdout")).to_contain_text("noting: pick the russets")
    expect(page.locator("#console")).to_contain_text("ink is low")
    expect(page.locator("#content")).to_have_text("pick the russets")
    key = page.locator("#key").inner_text()
    assert page.locator("#location").inner_text() == f"{server.url}/ocpu/tmp/{key}/"
    assert f"/ocpu/tmp/{key}/files/note.txt" in page.locator("#listing").inner_text().split("\n")
    assert page.locator("#file").get_attribute("href") == (
        f"{server.url}/ocpu/tmp/{key}/files/note.txt"
    )


def test_rpc_gives_the_value(page: Page) -> None:
    page.get_by_label("Apples").fill("12.5")
    page.get_by_role("button", name="Press").click()
    expect(page.locator("#litres td")).to_have_text(["12.5", "7.5"])


def test_rpc_of_a_declared_function_is_answered_from_the_cache(page: Page) -> None:
    states = []
    for _ in range(2):
        with page.expect_response("**/R/juice") as called:
            page.get_by_role("button", name="Press").click()
        expect(page.locator("#litres td")).to_have_text(["10", "6"])
        states.append(called.value.header_value("cache-status") or "")
    assert "hit" in states[1]


@pytest.mark.parametrize("button", ["Alone", "Beside a snippet", "Beside a file"])
def test_argument_keeps_its_type(elsewhere: Site, browser: Browser, button: str) -> None:
    """The client sends JSON, a form or parts, by what the other arguments are."""
    column = 1 if button == "Alone" else 2
    with elsewhere.open(browser) as tab:
        for value, seen in [(row[0], row[column]) for row in NUMBERS] + SEEN:
            tab.page.get_by_label("Value").fill(value)
            with tab.page.expect_response("**/R/.val/json"):
                tab.page.get_by_role("button", name=button).click()
            expect(tab.page.locator("#seen")).to_contain_text(seen)


def test_snippet_is_run_as_code(page: Page) -> None:
    page.get_by_label("Snippet").fill('toupper(c("a", "b"))')
    page.get_by_role("button", name="Run").click()
    expect(page.locator("#ran")).to_have_text('chr [1:2] "A" "B"')


@pytest.mark.parametrize("button", ["Upload", "Upload as object"])
def test_uploaded_file_is_read_and_its_session_passed_on(page: Page, button: str) -> None:
    page.get_by_label("Library").select_option("utils")
    expect(page.locator("#connected")).to_have_text("utils")
    page.get_by_label("CSV").set_input_files(CSV)
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.locator("#uploaded")).to_contain_text("2 pippin  3")
    url = page.locator("#uploaded-file").get_attribute("href")
    assert page.request.get(str(url)).body() == CSV["buffer"]
    page.get_by_label("Library").select_option("orchard")
    expect(page.locator("#connected")).to_have_text("orchard")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("#chained")).to_have_text('{"kind":["pippin"],"kg":[3]}')


def test_plot_widget_shows_the_last_plot_at_its_size(page: Page) -> None:
    with page.expect_response("**/graphics/last/png?*") as shown:
        page.get_by_role("button", name="Draw", exact=True).click()
    assert Image.open(BytesIO(shown.value.body())).size == (400, 300)
    expect(page.locator("#plot > div")).to_have_css("background-image", f'url("{shown.value.url}")')
    for link, magic in (("pdf", b"%PDF"), ("svg", b"<?xml"), ("png", b"\x89PNG")):
        url = page.locator("#plot").get_by_role("link", name=link).get_attribute("href")
        assert page.request.get(str(url)).body().startswith(magic)


def test_plot_widget_draws_again_when_its_size_changes(page: Page) -> None:
    with page.expect_response("**/graphics/last/png?*"):
        page.get_by_role("button", name="Draw", exact=True).click()
    with page.expect_response("**/graphics/last/png?width=250&height=200") as shown:
        page.add_style_tag(content="#plot { width: 250px !important; height: 200px !important }")
        page.set_viewport_size({"width": 900, "height": 700})
    assert Image.open(BytesIO(shown.value.body())).size == (250, 200)


def test_plot_widget_shows_an_earlier_plot_of_a_session(page: Page) -> None:
    with page.expect_response("**/graphics/last/png?*") as last:
        page.get_by_role("button", name="Draw", exact=True).click()
    with page.expect_response("**/graphics/1/png?*") as first:
        page.get_by_role("button", name="The first of them").click()
    assert first.value.status == 200
    assert first.value.body() != last.value.body()


def test_r_error_reaches_the_fail_handler(tab: Tab) -> None:
    tab.expect_complaint("400 (Bad Request)")
    tab.page.get_by_role("button", name="Fail").click()
    expect(tab.page.locator("#status")).to_have_text("400")
    expect(tab.page.locator("#error")).to_contain_text("crate 7 has spoiled")
    expect(tab.page.locator("#error")).to_contain_text("In call:")


def preflights(page: Page) -> list[str]:
    """Collects the requests that the browser sends to ask for leave; Playwright hides them."""
    asked: list[str] = []
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")

    def hear(event: dict[str, Any]) -> None:
        if event["request"]["method"] == "OPTIONS":
            asked.append(event["request"]["headers"]["Access-Control-Request-Headers"])

    session.on("Network.requestWillBeSent", hear)
    return asked


def test_json_from_another_origin_is_asked_for_first(elsewhere: Site, browser: Browser) -> None:
    with elsewhere.open(browser) as tab:
        asked = preflights(tab.page)
        tab.page.get_by_role("button", name="Press").click()
        expect(tab.page.locator("#litres td")).to_have_text(["10", "6"])
        assert asked == ["content-type"]


def test_user_and_password_in_the_address_are_sent(elsewhere: Site, browser: Browser) -> None:
    """The client sends them as a header, with credentials: both need the server's leave."""
    api = elsewhere.api.replace("http://", "http://user:secret@")
    with Site(elsewhere.page, api).open(browser) as tab:
        with tab.page.expect_request("**/R/juice") as sent:
            tab.page.get_by_role("button", name="Press").click()
        expect(tab.page.locator("#litres td")).to_have_text(["10", "6"])
        assert sent.value.header_value("authorization") == "Basic dXNlcjpzZWNyZXQ="


def test_answer_kept_for_one_origin_does_for_the_next(
    elsewhere: Site, browser: Browser, tmp_path: Path
) -> None:
    """The browser keeps answers that name the origin they were given to."""
    read = "url => fetch(url).then(answer => answer.json())"
    with serve_pages(make_page(tmp_path / "www")) as third, open_tab(browser) as tab:
        for page in (elsewhere.page, f"{third}/index.html"):
            tab.page.goto(f"{page}?{urlencode({'api': elsewhere.api})}")
            assert len(tab.page.evaluate(read, f"{elsewhere.api}/library/datasets/R/women/json"))
