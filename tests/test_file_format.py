"""The format `file`: an object that is the path of a file is answered with that file."""

from collections.abc import Iterator

import pytest
from test_engine import TRAITS, Engine

from engine.errors import CallRefused
from engine.evaluation import RenderedBody

pytestmark = pytest.mark.r

WRITES = "{writeLines('hello', 'note.txt'); dir.create('sub'); cat('a,b', file = 'sub/t.csv'); %s}"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(tmp_path_factory.mktemp("engine"), TRAITS)
    yield engine
    engine.close()


def session_file(engine: Engine, value: str) -> RenderedBody:
    engine.call("identity", package="base", outputs=(), x=WRITES % value)
    fields = {"session_key": engine.last, "name": ".val", "format": "file", "options": {}}
    return engine.pool.render("render_session_object", fields)


def test_call_answers_the_file_that_its_value_names(engine: Engine) -> None:
    done = engine.call("identity", package="base", outputs=("file",), x=WRITES % "'note.txt'")
    body = done.bodies["file"]
    assert (body.content, body.media_type) == (b"hello\n", "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    ("value", "content", "media_type"),
    [
        ("'note.txt'", b"hello\n", "text/plain; charset=utf-8"),
        ("'sub/t.csv'", b"a,b", "text/csv; charset=utf-8"),
        ("'./sub/../note.txt'", b"hello\n", "text/plain; charset=utf-8"),
    ],
)
def test_file_of_a_session_has_the_type_of_its_name(
    engine: Engine, value: str, content: bytes, media_type: str
) -> None:
    body = session_file(engine, value)
    assert (body.content, body.media_type, body.headers) == (content, media_type, ())


@pytest.mark.parametrize(
    "value",
    [
        *("'/etc/passwd'", "'../../../../../../../../etc/passwd'", "'~/.profile'", "'sub'", "''"),
        *("'nosuch.txt'", "'.RData'", "'.larder.json'", "{file.symlink('/etc', 'e'); 'e/passwd'}"),
        *("'file:///etc/passwd'", "'note.txt/'", "'.'", "'/'", "'sub/../../'"),
    ],
)
def test_any_other_file_is_refused_without_a_path_of_the_server(engine: Engine, value: str) -> None:
    with pytest.raises(CallRefused) as refusal:
        session_file(engine, value)
    assert refusal.value.text == "The object names no file of this session."


@pytest.mark.parametrize(
    "value", ["1", "NULL", "c('note.txt', 'note.txt')", "NA_character_", "sum"]
)
def test_what_is_no_path_is_refused(engine: Engine, value: str) -> None:
    with pytest.raises(CallRefused, match="the path of one file"):
        session_file(engine, value)


def test_object_of_a_package_may_name_a_file_of_that_package_alone(engine: Engine) -> None:
    fields = {"package": "base", "name": "R.home", "format": "file", "options": {}}
    with pytest.raises(CallRefused, match="the path of one file"):
        engine.pool.render("render_object", fields)
    fields["name"] = "letters"
    with pytest.raises(CallRefused, match="the path of one file"):
        engine.pool.render("render_object", fields)
