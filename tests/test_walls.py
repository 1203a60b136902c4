"""The walls do not stand in the way: what R code is for works within them, and what is granted."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest
from fortress import MODES, Fortress, fortress, listeners
from worker import engine, worker

from engine.call import Argument, FunctionCall, Output
from engine.host import Host, probe
from engine.limits import Limits
from engine.pool import Pool

pytestmark = pytest.mark.r


class Work(NamedTuple):
    """R code, and what it answers."""

    name: str
    code: str
    answer: str


WORK = [
    Work("a program", "shell('echo hello')", "hello"),
    Work("its own files", "{dir.create('a'); writeLines('x', 'a/f'); readLines('a/f')}", "x"),
    Work("temporary files", "{f <- tempfile(); writeLines('x', f); file.exists(f)}", "TRUE"),
    Work("home", "{writeLines('x', '~/f'); readLines('~/f')}", "x"),
    Work("copies", "{writeLines('x', 'f'); file.copy('f', 'g', copy.date = TRUE)}", "TRUE"),
    Work("links", "{writeLines('x', 'f'); file.symlink('f', 'g'); readLines('g')}", "x"),
    Work("data of the project", "sum(read.csv('<project>/data/numbers.csv')$n)", "3"),
    Work("files of the project", "class(readLines('<project>/models/fort.R'))", "character"),
    Work("Rscript", "shell(\"Rscript -e 'cat(mean(1:3))'\")", "2"),
    Work("R CMD", "grepl('gcc|cc|clang', shell('R CMD config CC'))", "TRUE"),
    Work(
        "pandoc",
        "{writeLines('# A', 'a.md'); shell('pandoc -o a.docx a.md'); file.exists('a.docx')}",
        "TRUE",
    ),
    # Without a right to send signals, parallel warns that it cannot end what has ended.
    Work(
        "parallel processes",
        "suppressWarnings(sum(unlist(parallel::mclapply(1:4, identity, mc.cores = 2))))",
        "10",
    ),
    Work("cores", "parallel::detectCores() >= 1", "TRUE"),
    Work(
        "pictures with text",
        "{for (d in c('png', 'svg', 'pdf')) {get(d)(paste0('p.', d)); "
        "plot(1, main = 'Text'); dev.off()}; "
        "all(file.size(c('p.png', 'p.svg', 'p.pdf')) > 1000)}",
        "TRUE",
    ),
    Work(
        "fonts of another R",
        '{shell("Rscript -e \'png(\\"p.png\\"); plot(1, main = 1); invisible(dev.off())\'"); '
        "file.size('p.png') > 1000}",
        "TRUE",
    ),
    Work(
        "a document",
        "{writeLines(c('```{r}', '1 + 1', '```'), 'a.Rmd'); "
        "knitr::knit('a.Rmd', quiet = TRUE); "
        "any(grepl('## [1] 2', readLines('a.md'), fixed = TRUE))}",
        "TRUE",
    ),
    Work(
        "a page",
        "{writeLines(c('---', 'title: x', '---', '```{r}', 'plot(1)', '```'), 'a.Rmd'); "
        "rmarkdown::render('a.Rmd', quiet = TRUE); file.size('a.html') > 1000}",
        "TRUE",
    ),
    # tar() warns of every user whose number is above 32767.
    Work(
        "archives",
        "{writeLines('x', 'f'); suppressWarnings(tar('a.tar', 'f')); "
        "untar('a.tar', exdir = 'd'); readLines('d/f')}",
        "x",
    ),
    Work(
        "compiled code",
        "{writeLines('void two(int *x) { *x = 2; }', 'c.c'); shell('R CMD SHLIB c.c'); "
        "dyn.load('c.so'); .C('two', x = 1L, PACKAGE = 'c')$x}",
        "2",
    ),
    Work("packages", "nrow(dplyr::filter(mtcars, cyl == 4))", "11"),
    Work("help", "length(utils::help('lm', package = 'stats')) > 0", "TRUE"),
    Work(
        "times and zones",
        "format(as.POSIXct(0, origin = '1970-01-01'), tz = 'America/Chicago', '%H:%M')",
        "18:00",
    ),
    Work("a program that others stop reading", "shell('yes | head -1')", "y"),
    Work("a limit for a part", "shell('ulimit -n 50; echo done')", "done"),
]

FLOORS = [mode for mode in MODES if mode.name in {"root", "user", "user-of-an-old-kernel"}]


@pytest.fixture(scope="module", params=FLOORS, ids=str)
def fort(request: pytest.FixtureRequest) -> Iterator[Fortress]:
    with fortress(request.param) as fort:
        yield fort


@pytest.mark.parametrize("work", WORK, ids=lambda work: work.name)
def test_work_goes_on_within_the_walls(fort: Fortress, work: Work) -> None:
    said = fort.attempt(work.code.replace("<project>", str(fort.project)))
    assert said == f"done: {work.answer}"


def test_own_files_can_be_made_programs_where_the_call_is_a_user_of_its_own(fort: Fortress) -> None:
    made = "{writeLines('echo ran', 's'); Sys.chmod('s', '700'); shell('./s')}"
    said = fort.attempt(made)
    assert said == "done: ran" if fort.mode.name == "root" else "denied" in said


def test_network_that_is_granted_is_the_internets(fort: Fortress) -> None:
    with listeners(fort.outside) as reachable:
        tried = {
            "tcp": f"weapon('connect_internet', {reachable['tcp']}L, 1L)",
            "udp": f"weapon('connect_internet', {reachable['udp']}L, 2L)",
            "path": f"weapon('connect_unix', '{fort.outside}/open.sock')",
            "engine": f"weapon('connect_unix', '{fort.state}/engine.sock')",
            "abstract": f"weapon('connect_unix', '{reachable['abstract']}')",
            "diagnosis": "kernel('socket', 16, 3, 4)",
        }
        said = {
            name: fort.attempt(code, limits=Limits(network=True)) for name, code in tried.items()
        }
    assert {name for name, came in said.items() if came == "done: got through"} == {"tcp", "udp"}
    assert fort.attempt(tried["tcp"]).startswith("refused")


def test_cells_of_a_batch_read_what_each_of_them_names(fort: Fortress) -> None:
    stages = [fort._stage() for _ in range(3)]
    expressions = ["1", f"{fort.other.name}::.val", "{writeLines('x', 'f'); readLines('f')}"]
    calls = [
        (FunctionCall("fort", "attempt", (Argument("expr", "code", code),)), stage.path)
        for code, stage in zip(expressions, stages, strict=True)
    ]
    ended = dict(fort.pool.evaluate_many(calls, limits=Limits(), outputs=()))
    assert all(getattr(one, "ok", False) for one in ended.values())
    assert len(ended) == 3
    objects = [stage.path / ".RData" for stage in stages]
    assert {path.stat().st_uid for path in objects} == {fort.mode.user}
    for stage in stages:
        fort.sessions.discard(stage)


def test_data_that_was_replaced_can_be_read_at_once(fort: Fortress) -> None:
    data = fort.project / "data"
    shutil.copytree(data, fort.project / "next")
    (fort.project / "next" / "more.csv").write_text("n\n1\n7\n")
    data.rename(fort.project / "last")
    (fort.project / "next").rename(data)
    assert fort.attempt(f"sum(read.csv('{data}/more.csv')$n)") == "done: 8"


def test_files_that_the_operator_opens_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "f").write_text("shared")
    (tmp_path / "state").mkdir()
    with engine(tmp_path / "state", reads=[str(tmp_path / "shared")]) as state:
        assert read(state, tmp_path / "shared" / "f") == "shared"


def test_without_walls_r_may_do_what_the_server_may(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("open")
    (tmp_path / "state").mkdir()
    with engine(tmp_path / "state", walls="off") as state:
        assert read(state, tmp_path / "f") == "open"


@pytest.mark.parametrize("mode", ["auto", "off"])
def test_engine_and_information_page_tell_what_confines_r(tmp_path: Path, mode: str) -> None:
    granted = Host(off=True) if mode == "off" else probe(tmp_path)
    with engine(tmp_path, walls=mode) as state, worker(state) as made:
        facts = made.services.pool.info()["walls"]
        said = made.get("/info").text
    assert facts == {"mode": mode, **granted.to_wire()}
    for wall in granted.walls:
        assert f"{wall.name}: {wall.made_of or wall.lack}\n" in said


def read(state: Path, file: Path) -> str:
    pool = Pool(state / "engine.sock")
    stage = state / "stage"
    stage.mkdir()
    call = FunctionCall("base", "readLines", (Argument("con", "text", str(file)),))
    evaluation = pool.evaluate(call, stage=stage, limits=Limits(), outputs=[Output("json", "json")])
    pool.close()
    [line] = orjson.loads(evaluation.bodies["json"].content)
    return str(line)
