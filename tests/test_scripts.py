"""Scripts and documents by POST: every type, what it leaves behind, and how it fails."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from documents import HAS_FRAMES, HAS_LATEX, NO_LATEX, Run, serve_documents

pytestmark = pytest.mark.server

PICTURE = b"\x89PNG"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, Path]]:
    folder = tmp_path_factory.mktemp("scripts")
    with serve_documents(folder) as (server, package), server.client() as client:
        yield client, package


@pytest.fixture
def client(place: tuple[httpx.Client, Path]) -> httpx.Client:
    return place[0]


def test_script_leaves_objects_prints_plots_and_files(client: httpx.Client) -> None:
    run = Run(client, "scripts/summary.R")
    assert run.status == 201, run.answer.text
    outputs = ["R/heights", "graphics/1", "messages", "stdout", "warnings", "source", "console"]
    assert run.outputs == [*outputs, "info", "files/DESCRIPTION", "files/head.csv"]
    assert run.get("stdout/text").text == "[1] 65\n\n"
    assert run.get("graphics/1/png").content.startswith(PICTURE)
    assert run.get("files/head.csv").text.splitlines()[1] == "58,115"


def test_script_that_fails_halfway_keeps_what_it_had(client: httpx.Client) -> None:
    run = Run(client, "scripts/halfway.R")
    assert run.status == 400
    assert run.answer.text.startswith("the second half is missing\n")
    assert run.get("R/").text == "first\n"
    assert run.get("console/text").text.endswith("Error:\nthe second half is missing\n")
    assert run.get("files/kept.txt").text == "kept\n"


def test_script_that_cannot_be_parsed_runs_nothing(client: httpx.Client) -> None:
    run = Run(client, "scripts/broken.R")
    assert run.status == 400
    assert run.answer.text.startswith("<text>:3:0: unexpected end of input\n")
    assert run.get("R/").text == "\n"
    assert run.get("source/text").text == "x <- 1\ny <- (2 +\n"


def test_empty_script_leaves_no_output(client: httpx.Client) -> None:
    assert Run(client, "scripts/empty.R").outputs == ["info", "files/DESCRIPTION"]
    with_comment = Run(client, "scripts/comment.R").outputs
    assert with_comment == ["source", "console", "info", "files/DESCRIPTION"]


@pytest.mark.parametrize(
    ("script", "name", "printed"),
    [
        ("unicode.R", "größe", "Ångström — 漢字 \n\n[1] 13\n\n"),
        ("latin1.R", "café", "crème \n\n"),
        ("bom.R", "marked", "two\r\n\n"),
    ],
)
def test_script_may_be_in_any_usual_encoding(
    client: httpx.Client, script: str, name: str, printed: str
) -> None:
    run = Run(client, f"scripts/{script}")
    assert run.get("R/").text == f"{name}\n"
    assert run.get("stdout/text").text == printed


def test_script_reads_uploads_but_not_its_neighbours(client: httpx.Client) -> None:
    assert Run(client, "scripts/beside.R").status == 400
    upload = {"data": ("numbers.csv", b"n\n5\n6\n")}
    run = Run(client, "scripts/reads-upload.R", files=upload)
    assert run.get("R/total/json").json() == [11]
    assert run.files == ["numbers.csv"]


def test_script_that_changes_its_folder_is_stored_whole(client: httpx.Client) -> None:
    assert Run(client, "scripts/wanders.R").files == ["deep/er/note.txt"]


def test_output_of_eight_megabytes_is_kept(client: httpx.Client) -> None:
    run = Run(client, "scripts/huge.R")
    assert run.status == 201, run.answer.text
    assert len(run.get("stdout/text").content) > 8_000_000


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ("scripts/notes.txt", "txt"),
        ("scripts/numbers.csv", "csv"),
        ("scripts/README", "readme"),
        ("scripts", "scripts"),
    ],
)
def test_other_files_are_no_scripts(client: httpx.Client, script: str, kind: str) -> None:
    run = Run(client, script)
    assert (run.status, run.answer.text) == (400, f"Unsupported script type: {kind}\n")


@pytest.mark.parametrize("script", ["scripts/none.R", "none/none.Rmd", "../MASS/scripts/ch01.R"])
def test_missing_script_is_an_error_without_a_path_of_the_server(
    place: tuple[httpx.Client, Path], script: str
) -> None:
    client, package = place
    run = Run(client, script.replace("/", "%2F"))
    assert run.status == 400
    assert str(package.parent) not in run.answer.text


def test_knitr_document_sees_its_neighbours_and_leaves_its_own_files(
    place: tuple[httpx.Client, Path],
) -> None:
    client, package = place
    before = contents(package)
    run = Run(client, "reports/report.Rmd", data={"format": "html"})
    assert run.status == 201, run.answer.text
    assert run.files == ["doubled.csv", "figure/bell-1.png", "report.html", "report.md"]
    page = run.get("files/report.html").text
    assert "The sum of the file beside: 42." in page
    assert "The child sees 3 rows." in page
    assert "Ein Bericht — 報告" in page
    assert run.get("files/figure/bell-1.png").content.startswith(PICTURE)
    assert run.get("R/").text == "format\nnumbers\n"
    assert contents(package) == before
    assert str(package.parent) not in run.get("messages/text").text


def contents(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_upload_takes_the_place_of_a_neighbour(client: httpx.Client) -> None:
    upload = {"data": ("numbers.csv", b"n\n70\n7\n")}
    run = Run(client, "reports/report.Rmd", data={"format": "html"}, files=upload)
    assert "The sum of the file beside: 77." in run.get("files/report.html").text
    assert "numbers.csv" in run.files


@pytest.mark.parametrize(
    ("body", "endings"),
    [
        ({"data": {"title": "1", "digits": "2"}}, ["docx", "html", "md", "odt"]),
        ({"data": {"title": "1", "digits": "2", "format": "rst"}}, ["md", "rst"]),
        ({"data": {"title": "1", "digits": "2", "format": '"html"'}}, ["html", "md"]),
        ({"json": {"title": 1, "digits": 2, "format": ["html", "rst"]}}, ["html", "md", "rst"]),
    ],
)
def test_format_chooses_what_a_document_becomes(
    client: httpx.Client, body: dict[str, object], endings: list[str]
) -> None:
    run = Run(client, "reports/titled.Rmd", **body)
    assert run.status == 201, run.answer.text
    assert run.files == [f"titled.{ending}" for ending in endings]


def test_fields_are_objects_that_the_document_sees(client: httpx.Client) -> None:
    fields = {"title": "Some title, unquoted", "digits": "3", "format": "html"}
    run = Run(client, "reports/titled.Rmd", data=fields)
    assert run.get("R/").text == "digits\nformat\ntitle\n"
    assert run.get("R/digits/json").json() == [3]
    assert "# Some title, unquoted, in 3 digits: 3.142\n" in run.get("files/titled.md").text


def test_unknown_format_says_what_pandoc_says(client: httpx.Client) -> None:
    fields = {"title": "T", "digits": "1", "format": "nosuch"}
    run = Run(client, "reports/titled.Rmd", data=fields)
    assert run.status == 400
    assert run.answer.text.startswith("conversion failed\n")
    assert "pandoc:\nUnknown output format nosuch" in run.answer.text
    assert run.files == ["titled.md"]


def test_format_is_no_way_into_a_shell(client: httpx.Client) -> None:
    run = Run(client, "reports/page.md", data={"format": "html; touch escaped.txt;"})
    assert run.status == 400
    assert run.answer.text == "Invalid document format: html; touch escaped.txt;\n"


def test_failing_chunk_keeps_what_was_made_before_it(client: httpx.Client) -> None:
    run = Run(client, "reports/stops.Rmd")
    assert run.status == 400
    assert run.answer.text.startswith("the chunk fails\n")
    assert run.get("R/").text == "before\nformat\n"
    assert "kept.txt" in run.files


@pytest.mark.parametrize(
    ("document", "page", "words", "files"),
    [
        ("SHOUT.RMD", "SHOUT.html", "LOUD 2", ["SHOUT.html", "SHOUT.md"]),
        ("empty.Rmd", "empty.html", "", ["empty.html", "empty.md"]),
        ("page.md", "page.html", "<em>stress</em>", ["page.html", "page.md"]),
        ("page.rst", "page.html", "<em>stress</em>", ["page.html", "page.rst"]),
        ("table.Rrst", "table.html", "## [1] 3", ["table.html", "table.rst"]),
        ("page.Rhtml", "page.html", ">42</code>, naïvely", ["figure/bars-1.png", "page.html"]),
    ],
)
def test_every_kind_of_document_becomes_a_page(
    client: httpx.Client, document: str, page: str, words: str, files: list[str]
) -> None:
    run = Run(client, f"reports/{document}", data={"format": "html"})
    assert run.status == 201, run.answer.text
    assert run.files == files
    answer = run.get(f"files/{page}")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert words in answer.text


def test_markdown_prints_what_it_made(client: httpx.Client) -> None:
    run = Run(client, "reports/page.md", data={"format": "html"})
    assert run.get("stdout/text").text == '[1] TRUE\n\n    page.md \n"page.html" \n\n'


def test_template_is_printed_or_written_to_a_file_of_the_session(client: httpx.Client) -> None:
    letter = "Dear Ada,\nDear Émilie,\n"
    assert Run(client, "letters/letter.brew").get("stdout/text").text == letter + "\n"
    for name in ("out.txt", '"out.txt"', "../../out.txt"):
        run = Run(client, "letters/letter.brew", data={"output": name})
        assert run.files == ["out.txt"]
        assert run.get("files/out.txt").text == letter


def test_parts_of_every_type_are_fields_and_files_are_not(client: httpx.Client) -> None:
    parts = {
        "title": (None, '"quoted"'),
        "digits": (None, "2"),
        "format": (None, '["html", "rst"]', "application/json"),
        "data": ("more.csv", b"n\n1\n"),
    }
    run = Run(client, "reports/titled.Rmd", files=parts)
    assert run.status == 201, run.answer.text
    assert run.get("R/").text == "digits\nformat\ntitle\n"
    assert run.files == ["more.csv", "titled.html", "titled.md", "titled.rst"]


def test_document_that_a_script_wrote_is_run_in_its_session(client: httpx.Client) -> None:
    first = Run(client, "scripts/writes.R")
    answer = client.post(f"{first.session}/files/made.Rmd", data={"format": "html"})
    assert answer.status_code == 201
    page = client.get(f"/ocpu/tmp/{answer.headers['x-ocpu-session']}/files/made.html")
    assert "The sum is 6." in page.text
    hidden = client.post(f"{first.session}/files/.RData")
    assert hidden.status_code == 400


@pytest.mark.parametrize(
    ("document", "format_", "files"),
    [
        ("paper.Rnw", None, ["figure/bell-1.pdf", "paper.bbl", "paper.log", "paper.pdf"]),
        ("sum.Rtex", None, ["sum.log", "sum.pdf", "sum.tex"]),
        ("note.tex", None, ["note.log", "note.pdf", "note.tex", "note.toc"]),
        ("shell.tex", None, ["shell.pdf"]),
        ("formula.Rmd", "pdf", ["formula.md", "formula.pdf"]),
        ("formula.Rmd", "latex", ["formula.md", "formula.pdf"]),
    ],
)
def test_latex_makes_a_pdf_where_it_is_installed(
    client: httpx.Client, document: str, format_: str | None, files: list[str]
) -> None:
    run = Run(client, f"papers/{document}", data={"format": format_} if format_ else None)
    if not HAS_LATEX:
        assert run.status == 400
        assert run.answer.text.endswith(f"{NO_LATEX}\n")
        return
    if document in {"paper.Rnw", "sum.Rtex"} and not HAS_FRAMES:
        assert "! LaTeX Error: File `framed.sty' not found." in run.answer.text
        return
    assert run.status == 201, run.answer.text
    assert set(files) <= set(run.files)
    assert not {"works.bib", "macros.tex", "numbers.csv", "escaped.txt"} & set(run.files)
    answer = run.get(f"files/{Path(document).stem}.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("document", "format_", "reason"),
    [
        ("broken.tex", None, "! Undefined control sequence.\nl.3 Before \\nosuchmacro"),
        ("asks.tex", None, "! Emergency stop."),
        ("missing.tex", None, "! LaTeX Error: File `nosuchpackage.sty' not found."),
        ("formula-broken.Rmd", "pdf", "! Undefined control sequence."),
    ],
)
def test_latex_says_what_it_cannot_set(
    client: httpx.Client, document: str, format_: str | None, reason: str
) -> None:
    run = Run(client, f"papers/{document}", data={"format": format_} if format_ else None)
    assert run.status == 400
    assert (reason if HAS_LATEX else NO_LATEX) in run.answer.text
