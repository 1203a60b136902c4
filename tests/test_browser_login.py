"""Signing in and out in a real browser, by a key and at a real issuer."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from browsing import BROWSER, open_browser, open_tab, serve_pages
from issuing import CLIENT, SECRET, RealIssuer, open_issuer
from playwright.sync_api import Browser, Page, expect
from serving import Server

from api.key_ring import COUNTER
from cache.generations import Generations
from jobs.access_key import new_secret
from jobs.repository import Catalog
from jobs.role import Role

pytestmark = pytest.mark.server

KEY = new_secret()
PEOPLE = {"ann": {"claims": {"realm_access": {"roles": ["larder-analyst"]}}}}
FORM = """<!DOCTYPE html><html lang=en><link rel=icon href="data:,"><title>A prize</title>
<form method=post action="{action}"><input name=x value="1:3"><button>Take it</button></form>
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def issuer() -> Iterator[RealIssuer]:
    with open_issuer(people=PEOPLE) as issuer:
        yield issuer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, issuer: RealIssuer) -> Iterator[Server]:
    project = tmp_path_factory.mktemp("login") / "orchard"
    shutil.copytree(BROWSER / "project", project)
    settings = {
        "issuer": issuer.url,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "role_claim": "realm_access.roles",
        "roles": "{larder-analyst: analyst}",
    }
    told = {f"access__oidc__{name}": said for name, said in settings.items()}
    with Server(project, **told) as server:
        with closing(Catalog.in_file(project / ".larder" / "catalog.db")) as catalog:
            catalog.add_key(KEY, "shop", Role.ANALYST)
        with closing(Generations(project / ".larder" / "generations")) as generations:
            generations.bump(COUNTER)
        yield server


def sign_in_by_key(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/login")
    page.get_by_label("Access key").fill(KEY)
    page.get_by_role("button", name="Sign in").click()


def call(page: Page, server: Server) -> None:
    """Calls R from the page that is there for trying the API."""
    page.goto(f"{server.url}/ocpu/test/")
    page.get_by_label("Method").select_option("POST")
    page.get_by_label("Endpoint").fill("../library/base/R/list/json")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#status")).not_to_be_empty()


def test_whole_way_from_a_page_to_the_issuer_and_back_and_out(
    server: Server, browser: Browser
) -> None:
    with open_tab(browser) as tab:
        page = tab.page
        page.goto(f"{server.url}/v1/jobs?from=here")
        expect(page).to_have_title("Sign in - Larder")
        page.get_by_role("link", name="Sign in with 127.0.0.1").click()
        expect(page.get_by_role("heading", name="Who are you?")).to_be_visible()
        page.get_by_label("Name").fill("ann")
        page.get_by_role("button", name="Go").click()
        expect(page).to_have_url(f"{server.url}/v1/jobs?from=here")
        expect(page.locator("body")).to_contain_text('"jobs"')
        [cookie] = page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
        call(page, server)
        expect(page.locator("#status")).to_have_text("201 Created")
        page.goto(f"{server.url}/logout")
        expect(page.get_by_text("127.0.0.1/id-of-ann")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("status")).to_contain_text("You are signed out here.")
        assert page.context.cookies() == []
        page.goto(f"{server.url}/v1/jobs")
        expect(page).to_have_title("Sign in - Larder")


def test_key_is_entered_by_keyboard_alone_and_without_scripts(
    server: Server, browser: Browser
) -> None:
    with open_tab(browser, scripts=False, width=360, dark=True) as tab:
        page = tab.page
        tab.expect_complaint("401 (Unauthorized)")
        page.goto(f"{server.url}/v1/jobs")
        keys = page.keyboard
        keys.press("Tab")
        expect(page.get_by_role("link", name="Sign in with 127.0.0.1")).to_be_focused()
        keys.press("Tab")
        field = page.get_by_label("Access key")
        expect(field).to_be_focused()
        keys.type("larder_wrong")
        keys.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("the key is not known here")
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_accessible_description(
            "It begins with larder_; whoever runs this server gives it to you. the key is not known"
            " here, has expired, or was revoked"
        )
        keys.press("Tab")
        keys.press("Tab")
        keys.type(KEY)
        keys.press("Enter")
        expect(page).to_have_url(f"{server.url}/v1/jobs")


@pytest.mark.parametrize("dark", [False, True])
def test_page_is_readable_in_light_and_dark_and_on_a_small_screen(
    server: Server, browser: Browser, dark: bool
) -> None:
    with open_tab(browser, width=320, dark=dark) as tab:
        page = tab.page
        page.goto(f"{server.url}/login")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        for place in ("h1", "label", ".about", "button", ".button"):
            assert contrast(page, place) >= 4.5, place


def contrast(page: Page, place: str) -> float:
    """How text stands out from what is behind it (WCAG 2.2)."""
    colours = page.locator(place).first.evaluate(
        """element => {
          let behind = element;
          const ground = () => getComputedStyle(behind).backgroundColor;
          while (ground() === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
          return [getComputedStyle(element).color, ground()];
        }"""
    )
    light, dark = sorted((luminance(colour) for colour in colours), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in colour[4:-1].split(",")]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(part * weight for part, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def test_page_of_a_neighbour_cannot_call_in_the_name_of_who_is_signed_in(
    server: Server, browser: Browser, tmp_path: Path
) -> None:
    action = f"{server.url}/ocpu/library/base/R/identity/json"
    (tmp_path / "prize.html").write_text(FORM.format(action=action))
    with serve_pages(tmp_path) as elsewhere, open_tab(browser) as tab:
        page = tab.page
        tab.expect_complaint("403 (Forbidden)")
        sign_in_by_key(page, server)
        page.goto(f"{elsewhere}/prize.html")
        page.get_by_role("button", name="Take it").click()
        expect(page.locator("body")).to_contain_text("may not call this server")
