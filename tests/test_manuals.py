"""Help pages: every format, names of every kind, and links that lead somewhere."""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urljoin

import httpx
import pytest
from documents import HAS_LATEX, NO_LATEX, serve_documents

pytestmark = pytest.mark.server

LIBRARY = "/ocpu/library"
TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, Path]]:
    folder = tmp_path_factory.mktemp("manuals")
    with serve_documents(folder) as (server, package), server.client() as client:
        yield client, package


@pytest.fixture
def client(place: tuple[httpx.Client, Path]) -> httpx.Client:
    return place[0]


def links_of(answer: httpx.Response) -> list[str]:
    """The page's links and pictures on this server, as absolute URLs."""
    found = re.findall(r'(?:href|src)="([^"#]+)', answer.text)
    urls = {urljoin(str(answer.url), html.unescape(link)) for link in found}
    return sorted(url for url in urls if url.startswith(f"http://{answer.url.netloc.decode()}/"))


def broken_links(client: httpx.Client, answer: httpx.Response) -> list[tuple[str, int]]:
    statuses = [
        (url, client.get(url, follow_redirects=True).status_code) for url in links_of(answer)
    ]
    return [(url, status) for url, status in statuses if status != 200]


@pytest.mark.parametrize(
    ("format_", "media_type", "words"),
    [
        ("text", TEXT, ["Fläche unter einer Dichte", "from a to b", "Bernoulli's café"]),
        (
            "html",
            HTML,
            ["<h2>Fläche unter einer Dichte</h2>", r"\int_a^b \phi(x)\,dx", "density φ"],
        ),
        (
            "tex",
            TEXT,
            [r"\HeaderA{area}{Fläche unter einer Dichte}{area}", r"\frac{b-\mu}{\sigma}"],
        ),
    ],
)
def test_page_has_its_letters_and_formulas_in_every_format(
    place: tuple[httpx.Client, Path], format_: str, media_type: str, words: list[str]
) -> None:
    client, package = place
    answer = client.get(f"{LIBRARY}/documents/man/area/{format_}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    assert [word for word in words if word not in answer.text] == []
    assert str(package.parent) not in answer.text
    assert answer.text.endswith("\n")


@pytest.mark.parametrize(
    "page", ["base/regex", "stats/Normal", "MASS/rlm", "utils/help", "dplyr/mutate"]
)
def test_pages_of_r_and_of_packages_name_no_folder_of_the_server(
    client: httpx.Client, page: str
) -> None:
    package, topic = page.split("/")
    for format_ in ("text", "html", "tex"):
        answer = client.get(f"{LIBRARY}/{package}/man/{topic}/{format_}")
        assert answer.status_code == 200
        assert "/usr/lib/R" not in answer.text
        assert "/tmp/" not in answer.text


@pytest.mark.parametrize(
    ("alias", "page"),
    [
        ("base/[", "Extract"),
        ("base/[[<-", "Extract"),
        ("base/+", "Arithmetic"),
        ("base/%in%", "match"),
        ("base/if", "Control"),
        ("base/::", "ns-dblcolon"),
        ('base/"', "Quotes"),
        ("utils/?", "Question"),
        ("ggplot2/%+%", "gg-add"),
        ("documents/%near%", "near"),
        ("documents/area-unit", "area"),
    ],
)
def test_alias_leads_to_its_page(client: httpx.Client, alias: str, page: str) -> None:
    package, _, name = alias.partition("/")
    url = f"{LIBRARY}/{package}/man/{quote(name, safe='')}"
    answer = client.get(f"{url}/html")
    assert answer.status_code == 302
    assert answer.headers["location"].endswith(f"{LIBRARY}/{package}/man/{page}/html")
    assert client.get(url, follow_redirects=True).headers["content-type"] == TEXT


@pytest.mark.parametrize("topic", ["MASS/nosuch", "base/größe", "base/no such", "scoring/gain"])
def test_missing_page_is_not_found_and_says_what_to_try(client: httpx.Client, topic: str) -> None:
    package, _, name = topic.partition("/")
    for ending in (f"man/{quote(name)}", f"man/{quote(name)}/pdf", f"html/{quote(name)}.html"):
        answer = client.get(f"{LIBRARY}/{package}/{ending}")
        assert (answer.status_code, answer.headers["content-type"]) == (404, TEXT)
        assert answer.text == (
            f"No documentation for '{name}' in specified packages and libraries:\n"
            f"you could try '??{name}'\n"
        )


def test_unknown_format_of_a_page_is_refused(client: httpx.Client) -> None:
    answer = client.get(f"{LIBRARY}/MASS/man/rlm/docx")
    assert (answer.status_code, answer.text) == (400, "Unknown man format: /docx\n")


@pytest.mark.parametrize(
    "page",
    [
        "documents/html/area.html",
        "MASS/html/rlm.html",
        "ggplot2/html/gg-add.html",
        "stats/html/median.html",
    ],
)
def test_links_of_a_page_lead_somewhere(client: httpx.Client, page: str) -> None:
    answer = client.get(f"{LIBRARY}/{page}")
    assert len(links_of(answer)) > 3
    assert broken_links(client, answer) == []


def test_link_to_a_package_that_is_not_installed_is_plain_text(client: httpx.Client) -> None:
    answer = client.get(f"{LIBRARY}/documents/html/area.html")
    assert "<code>nothing</code>" in answer.text
    assert '<a href="near.html">' in answer.text
    assert '<a href="../../MASS/html/fitdistr.html">' in answer.text


def test_pages_below_man_have_no_links_but_their_pictures(client: httpx.Client) -> None:
    answer = client.get(f"{LIBRARY}/documents/man/area/html")
    assert "<a " not in answer.text
    assert len(links_of(answer)) == 2  # the style sheet and a picture
    assert broken_links(client, answer) == []


@pytest.mark.parametrize(
    ("package", "words"),
    [
        ("documents", "%near%"),
        ("base", '<a href="Extract.html">[[&lt;-</a>'),
        ("scoring", "<p>It has none.</p>"),
    ],
)
def test_every_package_has_an_index_of_its_pages(
    client: httpx.Client, package: str, words: str
) -> None:
    answers = [client.get(f"{LIBRARY}/{package}/html/{name}") for name in ("", "00Index.html")]
    assert [(answer.status_code, answer.headers["content-type"]) for answer in answers] == [
        (200, HTML)
    ] * 2
    assert words in answers[0].text
    assert answers[0].content == answers[1].content


def test_links_of_an_index_lead_somewhere(client: httpx.Client) -> None:
    assert broken_links(client, client.get(f"{LIBRARY}/documents/html/")) == []


def test_project_has_no_pages(client: httpx.Client) -> None:
    assert client.get(f"{LIBRARY}/scoring/man/").text.strip() == ""


@pytest.mark.parametrize(
    "page", ["stats/rnorm", "MASS/rlm", "base/Bessel", "documents/area", "documents/glyphs"]
)
def test_page_as_pdf_where_latex_is_installed(client: httpx.Client, page: str) -> None:
    package, topic = page.split("/")
    answer = client.get(f"{LIBRARY}/{package}/man/{topic}/pdf", follow_redirects=True)
    if not HAS_LATEX:
        assert answer.status_code == 400
        assert answer.text == f"Help pages as PDF need {NO_LATEX}\n"
        return
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"].endswith(".pdf")
    assert answer.content.startswith(b"%PDF-")
