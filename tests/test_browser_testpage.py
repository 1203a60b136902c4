"""The page to try the API, used in a real browser as people use it."""

import hashlib
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import BROWSER, Tab, open_browser, open_tab
from playwright.sync_api import Browser, Locator, Page, expect
from serving import ROOT, Server

pytestmark = pytest.mark.server

ASSETS = ROOT / "api" / "static" / "ocpu-test"
CSV = {"name": "crop.csv", "mimeType": "text/csv", "buffer": b"kind,kg\nrusset,1\npippin,3\n"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    project = tmp_path_factory.mktemp("testpage") / "orchard"
    shutil.copytree(BROWSER / "project", project)
    with Server(project, workers=1) as server:
        yield server


@pytest.fixture
def tab(server: Server, browser: Browser) -> Iterator[Tab]:
    with open_tab(browser) as tab:
        tab.page.goto(f"{server.url}/ocpu/test/")
        yield tab


@pytest.fixture
def page(tab: Tab) -> Page:
    return tab.page


def ask_for(page: Page, method: str, endpoint: str, **fields: tuple[str, str]) -> None:
    """Fills in the form, every field with its type and value, and sends it."""
    page.get_by_label("Method").select_option(method)
    page.get_by_label("Endpoint").fill(endpoint)
    remove = page.locator("#rows .remove")
    while remove.count():
        remove.first.click()
    for name, (kind, value) in fields.items():
        page.locator("#add-field").click()
        row = page.locator("#rows li").last
        row.locator(".name").fill(name)
        if method == "POST":
            row.locator(".type").select_option(kind)
        row.locator(".value").fill(value)
    send(page)


def send(page: Page) -> None:
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#status")).not_to_be_empty()
    expect(page.locator("#answer")).to_have_attribute("aria-busy", "false")


def body(page: Page) -> Locator:
    return page.get_by_label("Body", exact=True).and_(page.locator("pre"))


def session_key(page: Page) -> str:
    return page.locator("#session-key").inner_text()


def test_object_is_read_in_a_format_with_options(page: Page) -> None:
    women = "../library/datasets/R/women/csv"
    ask_for(page, "GET", women, **{"row.names": ("", "TRUE"), "quote": ("", "FALSE")})
    expect(page.locator("#status")).to_have_text("200 OK")
    expect(body(page)).to_contain_text("1,58,115")
    expect(page.locator("#headers")).to_contain_text("attachment;filename=women.csv")
    expect(page.get_by_role("link", name="Save")).to_have_attribute("download", "women.csv")


def test_arguments_have_the_types_that_were_chosen(page: Page) -> None:
    fields = {
        "code": ("code", "rev(1:3)"),
        "text": ("text", 'a "quoted" line\nand \\ \u6797'),
        "table": ("json", '[{"kg": 1.5}, {"kg": 2}]'),
    }
    ask_for(page, "POST", "library/base/R/list/print", **fields)
    expect(page.locator("#status")).to_have_text("201 Created")
    said = body(page).inner_text()
    assert "[1] 3 2 1" in said
    assert '[1] "a \\"quoted\\" line\\nand \\\\ \u6797"' in said
    assert "   kg\n1 1.5\n2 2.0" in said


def test_file_is_uploaded_and_read(page: Page) -> None:
    page.get_by_label("Example").select_option("Upload a CSV file")
    page.get_by_label("Endpoint").fill("../library/utils/R/read.csv/csv")
    page.get_by_label("File of argument 1").set_input_files(CSV)
    send(page)
    expect(page.locator("#status")).to_have_text("201 Created")
    expect(body(page)).to_contain_text('"pippin",3')
    expect(page.get_by_role("link", name="files/crop.csv")).to_be_visible()


def test_json_body_is_sent_and_checked_before(page: Page) -> None:
    page.get_by_label("Endpoint").fill("../library/base/R/paste/json")
    page.get_by_label("JSON", exact=True).check()
    page.get_by_label("JSON body").fill('{"x": ["a", "b"], "collapse": ')
    expect(page.locator("#json-problem")).to_contain_text("JSON")
    page.get_by_label("JSON body").fill('{"x": ["a", "b"], "collapse": "+"}')
    expect(page.locator("#json-problem")).to_be_empty()
    send(page)
    expect(body(page)).to_have_text('["a+b"]')


def test_r_error_is_shown_with_the_session_behind_it(tab: Tab) -> None:
    tab.expect_complaint("400 (Bad Request)")
    ask_for(tab.page, "POST", "../library/orchard/R/spoils", crate=("code", "7"))
    expect(tab.page.locator("#status")).to_have_text("400 Bad Request")
    expect(tab.page.locator("#status")).to_have_class("bad")
    expect(body(tab.page)).to_contain_text("crate 7 has spoiled")
    tab.page.get_by_role("link", name="console", exact=True).click()
    expect(body(tab.page)).to_contain_text("> spoils(crate = 7)")


def test_links_of_the_session_are_read_in_place(page: Page) -> None:
    ask_for(page, "POST", "../library/orchard/R/juice", apples=("code", "c(1, 2)"))
    key = session_key(page)
    page.get_by_role("link", name="R/.val as json").click()
    expect(page.locator("#asked")).to_contain_text(f"/ocpu/tmp/{key}/R/.val/json")
    expect(body(page)).to_contain_text('"litres": 1.2')
    expect(page.locator("#session-key")).to_have_text(key)
    expect(page.get_by_label("Endpoint")).to_have_value("../library/orchard/R/juice")


def test_value_in_one_step_has_a_session_too(page: Page) -> None:
    ask_for(page, "POST", "../library/orchard/R/juice/json", apples=("code", "1"))
    expect(body(page)).to_contain_text('"litres": 0.6')
    expect(page.get_by_role("link", name="R/.val", exact=True)).to_be_visible()


def test_address_of_a_session_shows_what_it_has(page: Page, server: Server) -> None:
    with server.client() as client:
        made = client.post("/ocpu/library/orchard/R/ripening", data={"days": "3"})
    ask_for(page, "GET", made.headers["location"])
    expect(page.locator("#session-key")).to_have_text(made.headers["x-ocpu-session"])
    expect(page.get_by_role("link", name="graphics/2 as pdf")).to_be_visible()


def test_long_body_is_shown_in_part(page: Page) -> None:
    fields = {"x": ("text", "apple "), "times": ("code", "5e4")}
    ask_for(page, "POST", "../library/base/R/strrep/json", **fields)
    expect(page.locator("#body-note")).to_contain_text("The first 200,000 of 300,")
    assert len(body(page).inner_text()) == 200_000


def test_session_is_passed_on_as_an_argument(page: Page) -> None:
    ask_for(page, "POST", "../library/orchard/R/juice", apples=("code", "c(1, 2)"))
    page.get_by_role("button", name="Use as argument").click()
    page.keyboard.type("x")
    page.get_by_role("button", name="Remove argument 1").click()
    page.get_by_label("Endpoint").fill("../library/base/R/nrow/json")
    send(page)
    expect(body(page)).to_have_text("[2]")


def test_plots_are_shown(page: Page) -> None:
    ask_for(page, "POST", "../library/orchard/R/ripening", days=("code", "5"))
    for name in ("Plot 1", "Plot 2"):
        plot = page.get_by_role("img", name=name)
        expect(plot).to_have_js_property("complete", True)
        assert plot.evaluate("image => image.naturalWidth") == 640


def test_image_is_shown_as_one(page: Page) -> None:
    ask_for(page, "POST", "../library/orchard/R/ripening/png?width=300&height=200")
    image = page.get_by_role("img", name="The image that was answered")
    expect(image).to_have_js_property("naturalWidth", 300)
    expect(body(page)).to_be_hidden()


def test_bytes_are_saved_under_their_name(page: Page) -> None:
    ask_for(page, "GET", "../library/datasets/R/women/rds")
    expect(page.locator("#body-note")).to_contain_text("of application/r-rds")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save").click()
    assert saved.value.suggested_filename == "women.rds"
    assert saved.value.path().read_bytes().startswith(b"X\n")


def test_session_is_deleted(tab: Tab, server: Server) -> None:
    ask_for(tab.page, "POST", "../library/orchard/R/juice", apples=("code", "1"))
    location = f"/ocpu/tmp/{session_key(tab.page)}/"
    tab.page.get_by_role("button", name="Delete").click()
    expect(tab.page.locator("#asked")).to_contain_text(f"DELETE {server.url}{location}")
    expect(tab.page.locator("#status")).to_have_class("good")
    expect(tab.page.locator("#session")).to_be_hidden()
    with server.client() as client:
        assert client.get(location).status_code == 404


def test_head_has_headers_alone(page: Page) -> None:
    ask_for(page, "HEAD", "../library/datasets/R/women/json")
    expect(page.locator("#status")).to_have_text("200 OK")
    expect(page.locator("#headers")).to_contain_text("content-type: application/json")
    expect(page.locator("#body-part")).to_be_hidden()


def test_options_says_what_is_allowed(page: Page) -> None:
    ask_for(page, "OPTIONS", "../library/")
    expect(page.locator("#headers")).to_contain_text("access-control-allow-methods: POST, GET")


def test_redirect_is_told(page: Page) -> None:
    ask_for(page, "GET", "../library/datasets/R/women")
    expect(page.locator("#facts")).to_contain_text("/ocpu/library/datasets/R/women/print")


def test_request_headers_are_sent(page: Page) -> None:
    page.get_by_text("Request headers").click()
    page.get_by_label("One on each line").fill("Authorization: Bearer abc\nX-Crate: 7")
    with page.expect_request("**/R/rnorm") as sent:
        send(page)
    assert sent.value.header_value("authorization") == "Bearer abc"
    assert sent.value.header_value("x-crate") == "7"


@pytest.mark.parametrize(
    "example",
    ["Call a function", "Arguments as JSON", "Upload a CSV file", "Read an object as CSV"],
)
def test_curl_command_does_the_same(page: Page, tmp_path: Path, example: str) -> None:
    page.get_by_label("Example").select_option(example)
    if "Upload" in example:
        page.get_by_label("File of argument 1").set_input_files(CSV)
        (tmp_path / "crop.csv").write_bytes(bytes(CSV["buffer"]))
        page.get_by_label("Value of argument 2").fill("as.logical('TRUE')")
    if example == "Call a function":
        page.get_by_label("Value of argument 1").fill('nchar("it\'s")')
    send(page)
    command = page.get_by_label("The request as a curl command").inner_text()
    run = ["bash", "-c", f"{command} --silent --fail"]
    said = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    shown = body(page).inner_text()
    said, shown = (re.sub("x0[0-9a-f]+", "KEY", text) for text in (said, shown))
    assert said.split() == shown.split()


def test_curl_command_is_copied(page: Page, server: Server) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.locator("#copied")).to_have_text("Copied.")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"curl {server.url}/ocpu/library/stats/R/rnorm")


def test_earlier_request_is_taken_up_again(page: Page) -> None:
    ask_for(page, "POST", "../library/orchard/R/juice", apples=("code", "7"))
    ask_for(page, "GET", "../info")
    page.reload()
    page.get_by_text("Earlier requests").click()
    page.get_by_role("button", name="POST ../library/orchard/R/juice → 201").click()
    expect(page.get_by_label("Value of argument 1")).to_have_value("7")


def test_enter_sends(page: Page) -> None:
    page.get_by_label("Value of argument 1").press("Enter")
    expect(page.locator("#status")).to_have_text("201 Created")


def test_waiting_is_shown_and_can_be_ended(page: Page) -> None:
    ask_for_sleep = page.get_by_label("Endpoint")
    ask_for_sleep.fill("../library/base/R/Sys.sleep")
    page.get_by_label("Name of argument 1").fill("time")
    page.get_by_label("Value of argument 1").fill("2")
    page.get_by_role("button", name="Remove argument 2").click()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("alert").filter(has_text="Cancelled.")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_be_hidden()


def test_no_answer_is_told(tab: Tab) -> None:
    tab.expect_complaint("ERR_CONNECTION_REFUSED")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        tab.page.get_by_label("Endpoint").fill(f"http://127.0.0.1:{port}/ocpu/library/")
        tab.page.get_by_role("button", name="Send").click()
        expect(tab.page.locator("#problem")).to_contain_text("No answer")


def test_endpoint_is_completed(page: Page) -> None:
    page.get_by_label("Endpoint").fill("../library/orchard/R/ju")
    offered = page.locator('#endpoints option[value="../library/orchard/R/juice"]')
    expect(offered).to_have_count(1)


def test_every_control_has_a_name(page: Page) -> None:
    page.get_by_role("button", name="Add file").click()
    named = """control => Boolean(control.ariaLabel || control.labels?.length
        || control.tagName === "BUTTON" && control.textContent.trim())"""
    for control in page.locator("main").locator("input, select, textarea, button").all():
        assert control.evaluate(named), control.evaluate("control => control.outerHTML")


def test_nothing_is_wider_than_a_phone(server: Server, browser: Browser) -> None:
    with open_tab(browser, width=360) as tab:
        tab.page.goto(f"{server.url}/ocpu/test/")
        ask_for(tab.page, "POST", "../library/orchard/R/ripening", days=("code", "5"))
        expect(tab.page.get_by_role("img", name="Plot 1")).to_be_visible()
        expect(tab.page.locator("#status")).to_be_in_viewport()
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= 360


def contrast(element: Locator) -> float:
    """How much a text stands out from what is behind it (WCAG 2.2, 1.4.3)."""
    colours: list[Any] = element.evaluate(
        """element => {
            let behind = element;
            const colour = () => getComputedStyle(behind).backgroundColor;
            while (colour() === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
            return [getComputedStyle(element).color, colour()].map(
                (text) => text.match(/[0-9.]+/g).slice(0, 3).map((part) => part / 255));
        }"""
    )
    luminances = []
    for colour in colours:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
        luminances.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return (max(luminances) + 0.05) / (min(luminances) + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_texts_stand_out(server: Server, browser: Browser, dark: bool) -> None:
    with open_tab(browser, dark=dark) as tab:
        tab.page.goto(f"{server.url}/ocpu/test/")
        send(tab.page)
        texts = (
            "h1",
            "#address",
            "#send",
            "#add-field",
            "#endpoint",
            "#links a",
            "#status",
            "#body",
        )
        faint = {text: contrast(tab.page.locator(text).first) for text in texts}
        assert min(faint.values()) >= 4.5, faint


def test_assets_are_named_by_their_content() -> None:
    """Browsers keep them for a year: a changed file has to have a changed address."""
    page = (ASSETS / "index.html").read_text()
    written = dict(re.findall(r'"([\w.]+\.(?:js|css))\?v=(\w+)"', page))
    files = [path for path in ASSETS.iterdir() if path.name != "index.html"]
    assert written == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:8] for path in files
    }
