"""The whole of a published app: a package with a page of its own, used in a real browser."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO

import pytest
from browsing import BROWSER, Tab, copy_package, open_browser, open_tab
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from serving import ROOT, Server
from shop import commit

pytestmark = pytest.mark.server

OWN = {
    "name": "own.csv",
    "mimeType": "text/csv",
    "buffer": b"year,variety,kg\n2024,Quince,30\n2025,Quince,12\n2025,Medlar,5\n",
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for which the app was installed from its repository, as an operator would."""
    folder = tmp_path_factory.mktemp("app")
    project = folder / "orchard"
    shutil.copytree(BROWSER / "project", project)
    commit(copy_package("harvest-table", folder / "ada"), {})
    with (project / "larder.yaml").open("a") as settings:
        settings.write(f'install: {{allow: ["github::ada/harvest-table"], github_url: {folder}}}\n')
    command = [sys.executable, "-m", "larder", "install", "ada/harvest-table", "-p", str(project)]
    installed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert installed.returncode == 0, installed.stderr
    assert "/ocpu/apps/ada/harvest-table/" in installed.stdout
    with Server(project, workers=1) as server:
        yield server


@pytest.fixture(
    scope="module", params=["/ocpu/apps/ada/harvest-table", "/ocpu/library/harvestbook"]
)
def app(request: pytest.FixtureRequest, server: Server) -> str:
    """Where the package is mounted: its page has relative addresses only."""
    return f"{server.url}{request.param}"


@pytest.fixture
def tab(app: str, browser: Browser) -> Iterator[Tab]:
    with open_tab(browser) as tab:
        tab.page.goto(f"{app}/www/")
        expect(tab.page.locator("#rows tbody tr")).to_have_count(18)
        yield tab


@pytest.fixture
def page(tab: Tab) -> Page:
    return tab.page


def test_address_of_the_package_leads_to_its_page(app: str, browser: Browser) -> None:
    with open_tab(browser) as tab:
        tab.page.goto(f"{app}/")
        expect(tab.page).to_have_url(f"{app}/www/")
        expect(tab.page.get_by_role("heading", name="Harvest book")).to_be_visible()
        expect(tab.page.locator("#rows tbody tr")).to_have_count(18)


def test_form_chooses_what_the_table_has(page: Page) -> None:
    page.get_by_label("Variety", exact=True).select_option("Russet")
    page.get_by_label("From").fill("2023")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#rows tbody tr")).to_have_count(2)
    expect(page.locator("#rows tbody td")).to_have_text(
        ["2023", "Russet", "240", "2024", "Russet", "275"]
    )


def test_plot_is_drawn_at_the_size_of_its_place(page: Page) -> None:
    page.get_by_label("Variety", exact=True).select_option("Pippin")
    with page.expect_response("**/graphics/last/png?*") as shown:
        page.get_by_role("button", name="Show").click()
    assert Image.open(BytesIO(shown.value.body())).size == (400, 320)


def test_error_of_r_is_shown_beside_the_form(tab: Tab) -> None:
    tab.expect_complaint("400 (Bad Request)")
    tab.page.get_by_label("From").fill("2030")
    tab.page.get_by_role("button", name="Show").click()
    expect(tab.page.locator("#problem")).to_have_text(
        "the first year, 2030, is after the last, 2024"
    )


def test_uploaded_csv_is_added_up(page: Page, server: Server) -> None:
    page.get_by_label("CSV").set_input_files(OWN)
    page.get_by_role("button", name="Add up").click()
    expect(page.locator("#totals td")).to_have_text(["Medlar", "5", "Quince", "42"])
    with page.expect_download() as saved:
        page.get_by_role("link", name="the rows as R read them").click()
    assert saved.value.path().read_bytes().splitlines()[1] == b'2024,"Quince",30'


def test_uploaded_csv_without_a_column_is_refused(tab: Tab) -> None:
    tab.expect_complaint("400 (Bad Request)")
    tab.page.get_by_label("CSV").set_input_files({**OWN, "buffer": b"year,variety\n2024,Quince\n"})
    tab.page.get_by_role("button", name="Add up").click()
    expect(tab.page.locator("#own-problem")).to_have_text("the file has no column kg")


@pytest.mark.parametrize(
    ("link", "content"),
    [
        ("the manual", "<code>plot_yields"),
        ("the function", "no such variety"),
        ("the package", "Package: harvestbook"),
    ],
)
def test_links_lead_to_the_parts_of_the_package(page: Page, link: str, content: str) -> None:
    address = page.get_by_role("link", name=link).evaluate("link => link.href")
    answer = page.request.get(address)
    assert answer.ok
    assert content in answer.text()


def test_data_set_is_saved_as_csv(page: Page) -> None:
    with page.expect_download() as saved:
        page.get_by_role("link", name="the data").click()
    assert saved.value.suggested_filename == "harvest.csv"
    assert saved.value.path().read_text().count("\n") == 19
