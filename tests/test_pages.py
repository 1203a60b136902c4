"""The web face, in a real browser: every page and action, light and dark, wide and narrow."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from browsing import BROWSER, Tab, open_browser, open_tab
from playwright.sync_api import Browser, Request, expect
from serving import ROOT, Server

from bench.project import open_jobs
from jobs.status import Cause

pytestmark = pytest.mark.server

AXE = BROWSER / "vendor" / "axe" / "axe-4.14.1.min.js"
PAGES = (
    "/",
    "/?search=nothing",
    "/jobs/areas",
    "/jobs/areas?by=area",
    "/jobs/moods",
    "/jobs/naps",
    "/jobs/points",
    "/jobs/areas/cells",
    "/jobs/areas/cells?order_by=area&descending=true&where.height=2",
    "/jobs/points/cells",
    "/jobs/areas/cell?width=2&height=3",
    "/jobs/areas/cell?width=200",
    "/jobs/moods/cell?x=2",
    "/jobs/points/cell?id=2",
    "/runs",
    "/runs?status=partial",
    "/runs/1",
    "/runs/2",
    "/definitions",
    "/explore?search=stat",
    "/explore/stats?search=norm",
    "/explore/stats/rnorm?n=3",
    "/sessions",
    "/jobs/nope",
    "/nowhere",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    project = tmp_path_factory.mktemp("pages") / "faces"
    shutil.copytree(ROOT / "tests" / "projects" / "faces", project)
    with Server(project, workers=1) as running:
        with open_jobs(project) as jobs:
            for name in ("areas", "moods", "points"):
                jobs.runner.run(jobs.job(name), Cause.MANUAL)
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    with open_tab(browser) as opened:
        yield opened


@pytest.mark.parametrize(("dark", "width"), [(False, 1200), (True, 1200), (False, 390)])
def test_every_page_is_accessible_and_asks_nobody_else(
    server: Server, browser: Browser, *, dark: bool, width: int
) -> None:
    found: list[str] = []
    with open_tab(browser, dark=dark, width=width) as tab:
        tab.expect_complaint("404")  # of the two pages that are not there
        asked: list[str] = []

        def note(request: Request) -> None:
            asked.append(request.url)

        tab.page.on("request", note)
        for path in PAGES:
            tab.page.goto(server.url + path)
            tab.page.evaluate(AXE.read_text())
            result = tab.page.evaluate("axe.run()")
            found += [
                f"{path}: {one['id']} {one['nodes'][0]['html']}" for one in result["violations"]
            ]
            wide = tab.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if wide > 0:
                found.append(f"{path}: {wide} pixels wider than the window")
    assert not found
    assert {httpx.URL(url).host for url in asked if url.startswith("http")} == {"127.0.0.1"}


def test_texts_of_jobs_and_errors_are_shown_as_they_are(server: Server, tab: Tab) -> None:
    tab.page.goto(server.url)
    expect(tab.page.get_by_text("Area of a <b>rectangle</b> & its edge")).to_be_visible()
    expect(tab.page.get_by_text("no <b>twos</b> today").first).to_be_visible()


def test_overview_says_which_jobs_want_looking_after(server: Server, tab: Tab) -> None:
    tab.page.goto(server.url)
    expect(tab.page.get_by_role("heading", level=1)).to_have_text("2 of 4 jobs want looking after")
    names = tab.page.locator("table.jobs tbody th a").all_inner_texts()
    assert names == ["moods", "naps", "areas", "points"]  # failing, missing, fresh
    tab.page.get_by_label("Find jobs").fill("shapes")
    tab.page.get_by_role("button", name="Find").click()
    expect(tab.page.locator("table.jobs tbody th a")).to_have_text(["areas"])


def test_heat_map_leads_to_a_cell_and_what_made_it(server: Server, tab: Tab) -> None:
    tab.page.goto(f"{server.url}/jobs/areas")
    tab.page.get_by_label("Colour by").select_option("area")
    tab.page.get_by_role("button", name="Show").click()
    expect(tab.page.locator("table.heat tbody td.fresh")).to_have_count(17)
    expect(tab.page.locator("table.heat tbody td.left-out")).to_have_count(1)
    tab.page.locator('table.heat a[title^="width 5, height 3: 15,"]').click()
    expect(tab.page.get_by_role("heading", level=1)).to_contain_text("width = 5, height = 3")
    answer = tab.page.locator("section", has=tab.page.get_by_role("heading", name="Answer"))
    expect(answer.locator("tbody td")).to_have_text(["15", "16"])
    expect(tab.page.get_by_role("link", name="#1", exact=True)).to_be_visible()


def test_form_finds_an_answer_and_says_what_is_wrong_with_arguments(
    server: Server, tab: Tab
) -> None:
    tab.page.goto(f"{server.url}/jobs/areas")
    tab.page.locator("#arg-width").fill("4")
    tab.page.locator("#arg-height").fill("2")
    tab.page.get_by_role("button", name="Ask").click()
    expect(tab.page.locator("tbody td").first).to_have_text("8")
    tab.page.locator("#arg-width").fill("400")
    tab.page.get_by_role("button", name="Ask").click()
    expect(tab.page.get_by_role("alert")).to_contain_text("400")


def test_table_of_answers_is_filtered_sorted_and_exported(server: Server, tab: Tab) -> None:
    tab.page.goto(f"{server.url}/jobs/areas/cells")
    tab.page.get_by_label("Only where height is").fill("3")
    tab.page.get_by_role("button", name="Filter").click()
    expect(tab.page.locator("tbody tr")).to_have_count(5)
    tab.page.goto(f"{server.url}/jobs/areas/cells")
    tab.page.get_by_role("link", name="area", exact=True).click()
    tab.page.get_by_role("link", name="area", exact=True).click()
    expect(tab.page.locator("tbody tr").first).to_contain_text("15")
    with tab.page.expect_download() as download:
        tab.page.evaluate("document.querySelector('a[href$=\"table.csv\"]').download = 'a.csv'")
        tab.page.get_by_role("link", name="CSV").click()
    assert Path(download.value.path()).read_text().startswith("width,height,area,edge")


def test_run_is_asked_for_watched_and_cancelled(server: Server, tab: Tab) -> None:
    tab.page.goto(f"{server.url}/jobs/naps")
    tab.page.get_by_role("button", name="Run what is not fresh").click()
    tab.page.wait_for_url(re.compile(r"/runs/\d+$"))
    expect(tab.page.locator("progress")).to_be_visible()
    expect(tab.page.locator(".lead .of")).to_contain_text(re.compile(r"[1-9]\d* of 40"))
    tab.page.get_by_role("button", name="Cancel").click()
    expect(tab.page.locator("h1 .badge")).to_have_text("cancelled")
    expect(tab.page.get_by_role("button", name="Resume")).to_be_visible()


def test_failed_cell_is_explained_and_run_again(server: Server, tab: Tab) -> None:
    tab.page.goto(server.url)
    tab.page.locator(".failure a").first.click()
    expect(tab.page.locator("h1")).to_contain_text("moods")
    tab.page.get_by_text("What R said").click()
    expect(tab.page.locator("details pre", has_text="looking at 2").first).to_be_visible()
    tab.page.get_by_role("button", name="Run what failed").click()
    tab.page.wait_for_url(re.compile(r"/runs/\d+$"))
    expect(tab.page.locator("h1 .badge")).to_have_text("failed")


def test_function_is_found_called_and_its_session_read(server: Server, tab: Tab) -> None:
    tab.page.goto(f"{server.url}/explore")
    tab.page.get_by_label("Find packages").fill("graphics")
    tab.page.get_by_role("button", name="Find").click()
    tab.page.get_by_role("link", name="graphics", exact=True).click()
    tab.page.get_by_role("link", name="hist", exact=True).click()
    expect(tab.page.locator("pre.help")).to_contain_text("Histograms")
    tab.page.get_by_label("x", exact=True).fill("cars$speed")
    tab.page.get_by_role("button", name="Call").click()
    tab.page.wait_for_url(re.compile(r"/sessions/x0"))
    expect(tab.page.get_by_text("$breaks")).to_be_visible()
    drawn = "document.querySelector('img.plot').naturalWidth"
    expect(tab.page.get_by_alt_text("Plot 1 of the call")).to_be_visible()
    tab.page.wait_for_function(f"{drawn} > 100")
    key = tab.page.url.rpartition("/")[2]
    tab.page.goto(f"{server.url}/explore/base/names?x={key}")
    tab.page.get_by_role("button", name="Call").click()
    expect(tab.page.get_by_text('"breaks"').first).to_be_visible()


def test_what_r_said_of_a_call_is_shown_above_the_form_as_it_was(server: Server, tab: Tab) -> None:
    tab.expect_complaint("400")
    tab.page.goto(f"{server.url}/explore/stats/rnorm")
    tab.page.get_by_label("n", exact=True).fill('"many"')
    tab.page.get_by_role("button", name="Call").click()
    expect(tab.page.get_by_role("alert")).to_contain_text("invalid arguments")
    expect(tab.page.get_by_label("n", exact=True)).to_have_value('"many"')


def test_data_frame_is_shown_as_a_table(server: Server, tab: Tab) -> None:
    tab.page.goto(f"{server.url}/explore/utils/head?x=cars&n=4")
    tab.page.get_by_label("...", exact=True).fill("n = 4")
    tab.page.get_by_role("button", name="Call").click()
    expect(tab.page.locator("section table tbody tr")).to_have_count(4)


def test_every_action_works_without_scripts(server: Server, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(f"{server.url}/jobs/areas/cell?width=2&height=2")
        page.get_by_role("button", name="Run it again").click()
        expect(page.locator("h1")).to_contain_text("areas")
        run = page.url
        while page.locator("h1 .badge").inner_text() in ("queued", "running"):
            page.goto(run)
        expect(page.locator("h1 .badge")).to_have_text("succeeded")
        expect(page.locator("dl.facts")).to_contain_text("width=2")
    finally:
        context.close()


def test_definitions_show_mistakes_as_they_are_made(server: Server, tab: Tab) -> None:
    tab.page.goto(f"{server.url}/definitions")
    expect(tab.page.get_by_text("All job files are live")).to_be_visible()
    wrong = server.project / "jobs" / "wrong.yaml"
    wrong.write_text("version: 1\njobs:\n  x:\n    functoin: stats::qnorm\n")
    try:
        expect(tab.page.get_by_text("jobs/wrong.yaml:4:5")).to_be_visible()
    finally:
        wrong.unlink()
    expect(tab.page.get_by_text("All job files are live")).to_be_visible()


def test_pages_cannot_be_framed_and_run_no_script_of_their_own(server: Server) -> None:
    answer = httpx.get(server.url, trust_env=False)
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self';" in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|style=", answer.text)
