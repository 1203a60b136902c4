"""Job files nobody would write: written ones after accidents, and trees of the model's keys."""

import json
import re
from pathlib import Path
from typing import Any

from broken import FOLDER
from hypothesis import strategies as st

from jobs.definition import JobFile
from jobs.problem import KeyPath, Problem
from jobs.project import read_project
from jobs.schema_tree import SchemaTree

ROOT = Path(__file__).parent.parent
_FENCED = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _written() -> list[bytes]:
    """Job files of the documentation, the example and the folder of broken ones."""
    documented = _FENCED.findall((ROOT / "docs" / "analyst.md").read_text())
    files = [*(ROOT / "examples").glob("*/jobs/*.yaml"), *FOLDER.glob("*.yaml")]
    small = [file.read_bytes() for file in sorted(files) if file.stat().st_size < 5000]
    return [*(text.encode() for text in documented), *small]


SEEDS = _written()
SCALARS = (
    *("no", "on", "~", "null", "true", "12:30", "0o17", "0x1F", "1_000", "1e3", ".inf", "-.INF"),
    *(".nan", "-0", "1e999", "9" * 200, "0x" + "f" * 250, "2026-02-30", "2026-01-01", "''", '""'),
    *('"\\0"', '"\\ud800"', '"\\x1b[2J"', '"a\\nb"', "!r x", "!!str 5", "!!binary aGk=", "*a"),
    *("&a", "<<", "{}", "[]", "{r: ''}", "{r: 'x'}", "{env: HOME}", "{env: 5}", "all", "-", "?"),
    *(
        "every 1 ms",
        "every 100 years",
        "@daily",
        "0 0 31 2 *",
        "* * * * *",
        "1 2 3 4 5 6",
        "manual",
    ),
    *("9999999 weeks", "1 month", "0 s", "Europe/Vienna", "../../etc/passwd", "/dev/zero", "data"),
    *(
        "data/customers.csv",
        "sqlite:///x",
        "postgresql://a:b@c/d",
        "%",
        "{from: 1, to: 9, by: 0.1}",
    ),
    *(
        "{from: 0, to: 1e300, by: 1e-300}",
        "{from: 2026-01-01, to: 9999-12-31, by: 9 years}",
        "é",
        "漢",
    ),
)
_TREE = SchemaTree.of(JobFile)
_ODD_KEYS = ("", "x", "from", "jobs", "é", "a b", "...", "1st", "<<", "\n", "grid", "key")
_NAMES = st.sampled_from(("dose", "report", "x", "y", "weight", "sex"))
_texts = st.sampled_from(SCALARS) | st.text(max_size=12)
_scalars = st.none() | st.booleans() | st.integers() | st.floats() | _texts
_odd = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@st.composite
def changed(draw: st.DrawFn) -> bytes:
    """A written file after some accidents."""
    content = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 4))):
        content = draw(st.sampled_from(_ACCIDENTS))(draw, content)
    return content


def _span(draw: st.DrawFn, content: bytes) -> tuple[int, int]:
    first = draw(st.integers(0, len(content)))
    return first, min(len(content), first + draw(st.integers(0, 40)))


def _flip(draw: st.DrawFn, content: bytes) -> bytes:
    first, _ = _span(draw, content)
    return content[:first] + bytes([draw(st.integers(0, 255))]) + content[first + 1 :]


def _delete(draw: st.DrawFn, content: bytes) -> bytes:
    first, last = _span(draw, content)
    return content[:first] + content[last:]


def _splice(draw: st.DrawFn, content: bytes) -> bytes:
    other = draw(st.sampled_from(SEEDS))
    first, last = _span(draw, other)
    place, _ = _span(draw, content)
    return content[:place] + other[first:last] + content[place:]


def _swap_scalar(draw: st.DrawFn, content: bytes) -> bytes:
    words = list(re.finditer(rb"(?<=: )[^\n,{}\[\]]+|(?<=- )[^\n]+|[\w.]+", content))
    if not words:
        return content
    word = draw(st.sampled_from(words))
    other = draw(st.sampled_from(SCALARS)).encode()
    return content[: word.start()] + other + content[word.end() :]


def _swap_lines(draw: st.DrawFn, content: bytes) -> bytes:
    lines = content.split(b"\n")
    first, last = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    lines[first], lines[last] = lines[last], lines[first]
    return b"\n".join(lines)


def _indent(draw: st.DrawFn, content: bytes) -> bytes:
    lines = content.split(b"\n")
    at = draw(st.integers(0, len(lines) - 1))
    lines[at] = draw(st.sampled_from((b" ", b"  ", b"\t", b"- ", b"# ", b"? "))) + lines[at]
    return b"\n".join(lines)


_ACCIDENTS = (_flip, _delete, _splice, _swap_scalar, _swap_scalar, _swap_lines, _indent)


@st.composite
def trees(draw: st.DrawFn) -> bytes:
    """Mappings with the model's own keys and, here and there, what does not belong."""
    return json.dumps(draw(_at(()))).encode()


@st.composite
def _at(draw: st.DrawFn, path: KeyPath) -> Any:
    """Something to stand at a place: mostly of a type that may."""
    if draw(st.integers(0, 9)) == 0 or len(path) > 7:
        return draw(_odd)
    keys, types = _TREE.keys(path), _TREE.types(path)
    if _TREE.words(path) and draw(st.booleans()):
        return draw(st.sampled_from(_TREE.words(path)))
    if "array" in types and draw(st.booleans()):
        return [draw(_at((*path, 0))) for _ in range(draw(st.integers(0, 3)))]
    if keys or "object" in types:
        names = st.sampled_from(keys) if keys else _NAMES
        wanted = draw(st.lists(names | _NAMES | st.sampled_from(_ODD_KEYS), max_size=5))
        return {name: draw(_at((*path, name))) for name in wanted}
    example = _TREE.example(path)
    return draw(st.just(example) | _odd) if example is not None else draw(_odd)


contents = st.one_of(
    changed(), trees(), st.binary(max_size=300), st.text(max_size=300).map(str.encode)
)


def told_of(project: Path, content: bytes) -> tuple[Problem, ...]:
    """What is said about a project whose one job file has this content."""
    (project / "jobs" / "a.yaml").write_bytes(content)
    return read_project(project, name="clinic").problems


def complaints(content: bytes, problems: tuple[Problem, ...]) -> list[str]:
    """What is wrong with what is said, whatever was written."""
    lines = re.split(rb"\r\n|\r|\n|\xc2\x85|\xe2\x80[\xa8\xa9]", content)
    found = [
        f"{problem} is not printable" for problem in problems if not str(problem).isprintable()
    ]
    found += [f"{problem} is in no line" for problem in problems if problem.line > len(lines)]
    found += [f"{problem} is in no file" for problem in problems if problem.file != "jobs/a.yaml"]
    found += [f"{problem} says nothing" for problem in problems if not problem.message]
    if list(problems) != sorted(set(problems)):
        found.append("they are not in order")
    return found
