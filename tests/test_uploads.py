"""Bodies of every kind and size against a real server: what R makes of them, and what they cost."""

import bz2
import gzip
import lzma
import socket
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from serving import Server, copy_example, wait_until

pytestmark = pytest.mark.server

MIB = 2**20
LIMIT_MB = 100
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
MULTIPART = "multipart/form-data; boundary=x"
RDS_OF_A_CALL = """
x <- list(n = 3, mean = 1)
saveRDS(x, "gzip.rds"); saveRDS(x, "bzip2.rds", compress = "bzip2")
saveRDS(x, "xz.rds", compress = "xz"); saveRDS(x, "none.rds", compress = FALSE)
saveRDS(x, "ascii.rds", ascii = TRUE); saveRDS(x, "old.rds", version = 2)
writeBin(serialize(x, NULL, ascii = TRUE), "text.rds")
writeBin(serialize(x, NULL, xdr = FALSE), "little.rds")
writeBin(memCompress(serialize(x, NULL), "gzip"), "zlib.rds")
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    project = copy_example(tmp_path_factory.mktemp("uploads"))
    for jobs in project.glob("jobs/*.yaml"):
        jobs.unlink()  # nothing else runs while memory is looked at
    with (project / "larder.yaml").open("a") as settings:
        settings.write(f"\nocpu: {{upload_limit: {LIMIT_MB} MB}}\n")
    with Server(project, workers=1) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


def post(
    client: httpx.Client, content: bytes, content_type: str, function: str = "base/R/identity"
) -> httpx.Response:
    headers = {"Content-Type": content_type}
    return client.post(f"/ocpu/library/{function}/json", content=content, headers=headers)


def parts(*given: tuple[str, bytes]) -> bytes:
    """A multipart body: of each part what follows `form-data; ` in its head, and its content."""
    head = b"--x\r\nContent-Disposition: form-data; "
    return b"".join(head + h.encode() + b"\r\n\r\n" + c + b"\r\n" for h, c in given) + b"--x--\r\n"


def left_over(server: Server) -> list[Path]:
    state = server.project / ".larder"
    return [*(state / "uploads").glob("*"), *(state / "sessions" / ".staging").glob("*")]


def open_request(server: Server, function: str, content_type: str, length: int) -> socket.socket:
    """A connection on which the head of a call has been sent, and nothing of its body."""
    url = httpx.URL(server.url)
    connection = socket.create_connection((url.host, url.port or 80), timeout=60)
    head = [
        f"POST /ocpu/library/{function} HTTP/1.1",
        "Host: test",
        f"Content-Type: {content_type}",
        f"Content-Length: {length}",
    ]
    connection.sendall("\r\n".join([*head, "", ""]).encode())
    return connection


def read_answer(connection: socket.socket, *, of_body: bool = False) -> bytes:
    """What comes first: the head, or with the body what comes until the head's length is there."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65536)
    if of_body:
        head, _, body = answer.partition(b"\r\n\r\n")
        length = next(
            int(line[16:]) for line in head.split(b"\r\n") if line[:16] == b"content-length: "
        )
        while len(body) < length:
            body += connection.recv(65536)
        return body
    return answer


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*"))


class Api:
    """The memory of a server's only API worker."""

    def __init__(self, server: Server) -> None:
        assert server.process is not None
        supervisor = server.process.pid
        children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
        self._folder = next(
            folder
            for folder in (Path("/proc") / pid for pid in children)
            if b"larder.api_role" in (folder / "cmdline").read_bytes()
        )

    def reset_peak(self) -> int:
        """Forgets the peak; bytes that are in memory now."""
        (self._folder / "clear_refs").write_text("5")
        return self._read("VmRSS")

    def peak(self) -> int:
        """The most bytes that have been in memory since."""
        return self._read("VmHWM")

    def _read(self, name: str) -> int:
        lines = (self._folder / "status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        (b"x=iris[1:2,1]", [5.1, 4.9]),
        (b"x=1%0d%0a%2B2", [2]),
        (b"=5", [5]),
        (b"=[1,2]", [1, 2]),
        (b"x=[[1,2],[3,4]]", [[1, 2], [3, 4]]),
        (b"x=%22%F0%9F%98%80+a%2Bb%22", ["\U0001f600 a+b"]),
        (b"x=" + b"1%2B" * 3000 + b"1", [3001]),
    ],
)
def test_form_values_are_read_by_r(client: httpx.Client, content: bytes, answer: object) -> None:
    assert post(client, content, FORM).json() == answer


def test_names_that_r_could_not_write_are_names(client: httpx.Client) -> None:
    named = b"a+b=1&%C3%A9=[1,2]&a=[1,2]&a=[3]&list=[5,6]"
    answer = post(client, named, FORM, "base/R/list").json()
    assert list(answer.values()) == [[1], [1, 2], [1, 2], [3], [5, 6]]
    assert list(answer)[:2] == ["a b", "é"]


def test_argument_named_as_its_function_is_not_the_function(client: httpx.Client) -> None:
    body = b'{"x":[1,2,3,4],"filter":[1,1],"sides":1}'
    assert post(client, body, JSON, "stats/R/filter").json() == ["NA", 3, 5, 7]


def test_values_sent_for_dots_are_arguments(client: httpx.Client) -> None:
    assert post(client, b'{"...":[1,2,3]}', JSON, "base/R/sum").json() == [6]
    spread = post(client, b'{"...":{"a":1,"b":[1,2]}}', JSON, "base/R/list").json()
    assert spread == {"a": [1], "b": [1, 2]}
    text = parts(('name="..."\r\nContent-Type: text/plain', b"a"))
    assert post(client, text, MULTIPART, "base/R/paste").json() == ["a"]


@pytest.mark.parametrize(
    ("content", "content_type", "says"),
    [
        (b"x=" + b"(" * 100_000, FORM, "Unparsable argument: ((((("),
        (b"x=" + b"1%2B" * 100_000 + b"1", FORM, "Unparsable argument: it is nested too deeply"),
        (b"x=" + b"[" * 100_000 + b"]" * 100_000, FORM, "nested too deeply"),
        (b"x=f(x0123456789abcd::y, z[1,])", FORM, "Session not found: x0123456789abcd"),
        (b"x=break", FORM, "no loop for break/next"),
        (b'{"x":' * 100_000, JSON, "Invalid JSON was posted: parse error: premature EOF"),
        (b"[" * 100_000 + b"]" * 100_000, JSON, "Invalid JSON was posted: it is nested too deeply"),
        (b'{"x":NaN}', JSON, "Invalid JSON was posted: lexical error"),
        (b"/etc/passwd", JSON, "Invalid JSON was posted: lexical error"),
        (b"http://127.0.0.1:1/", JSON, "Invalid JSON was posted: lexical error"),
        (b'{"x":1,"x":2}', JSON, "matched by multiple actual arguments"),
        (b"[1,2]", JSON, "JSON or ProtoBuf input should be a named list."),
        (b"hello", "application/rds", "Invalid RDS was posted: unknown input format"),
        (b"\x1f\x8b\x08", "application/rds", "Invalid RDS was posted"),
        (b"hello", "application/x-protobuf", "Invalid Protocol Buffers were posted"),
        (b"\xff" * 99, "application/rprotobuf", "Invalid Protocol Buffers were posted"),
        (b"x", "video/mp4", "POST body with unknown conntent type: video/mp4"),
        (
            parts(('name="x"\r\nContent-Type: application/json', b"/etc/passwd")),
            MULTIPART,
            "Invalid JSON was posted: lexical error",
        ),
    ],
)
def test_what_r_cannot_read_is_a_clear_400(
    client: httpx.Client, content: bytes, content_type: str, says: str
) -> None:
    answer = post(client, content, content_type)
    assert (answer.status_code, says in answer.text) == (400, True), answer.text[:500]
    assert "root:" not in answer.text
    assert post(client, b"x=1", FORM).json() == [1]


def test_numbers_beyond_a_double_are_read_as_r_reads_them(client: httpx.Client) -> None:
    assert post(client, b'{"x":1e999}', JSON).json() == ["Inf"]
    assert post(client, b'{"x":' + b"1" * 30 + b"}", JSON).json() == [1.11111111111111e29]


def test_rds_is_read_however_it_was_written(client: httpx.Client, tmp_path: Path) -> None:
    subprocess.run(["Rscript", "-e", RDS_OF_A_CALL], cwd=tmp_path, check=True)
    written = {path.name: path.read_bytes() for path in tmp_path.glob("*.rds")}
    plain = written["none.rds"]
    written |= {"gz": gzip.compress(plain), "bz2": bz2.compress(plain), "xz": lzma.compress(plain)}
    written["zz"] = zlib.compress(plain)
    assert len(written) == 13
    for name, content in written.items():
        answer = post(client, content, "application/rds", "stats/R/rnorm")
        assert (name, answer.status_code) == (name, 201), answer.text
        body = parts(('name="x"\r\nContent-Type: application/rds', content))
        assert post(client, body, MULTIPART).json() == {"n": [3], "mean": [1]}


def test_protobuf_goes_by_all_its_names(client: httpx.Client) -> None:
    made = client.post("/ocpu/library/base/R/list/pb", data={"x": "c(1, 2)"}).content
    for name in ("protobuf", "rprotobuf", "x-protobuf", "x-rprotobuf"):
        assert post(client, made, f"application/{name}").json() == [1, 2]
    assert post(client, made[:-3], "application/protobuf").status_code == 400


def test_large_values_of_every_kind_reach_r(client: httpx.Client, server: Server) -> None:
    count = 400_000
    numbers = b"[" + b",".join(b"%d.5" % number for number in range(count)) + b"]"
    assert len(numbers) > 3 * MIB
    of_length = "base/R/length"
    assert post(client, b'{"x":' + numbers + b"}", JSON, of_length).json() == [count]
    utf16 = ('{"x":' + numbers.decode() + "}").encode("utf-16")
    assert post(client, utf16, JSON, of_length).json() == [count]
    for kind in ("", "\r\nContent-Type: application/json"):
        body = parts((f'name="x"{kind}', numbers))
        assert post(client, body, MULTIPART, of_length).json() == [count]
    text = parts(('name="x"\r\nContent-Type: text/plain; charset=latin1', b"\xe9" * 3 * MIB))
    assert post(client, text, MULTIPART, "base/R/nchar").json() == [3 * MIB]
    nul = parts(('name="x"\r\nContent-Type: text/plain', b"a\0" * MIB))
    assert post(client, nul, MULTIPART, "base/R/nchar").status_code == 400
    form = b"x=%22" + b"a" * 2 * MIB + b"%22"
    assert post(client, form, FORM, "base/R/nchar").json() == [2 * MIB]
    dots = parts(('name="..."', b",".join([b"1"] * 5000) + b" " * 2 * MIB))
    assert post(client, dots, MULTIPART, "base/R/sum").json() == [5000]
    assert left_over(server) == []


def test_upload_under_way_fills_no_memory_and_blocks_nobody(
    client: httpx.Client, server: Server
) -> None:
    size = 64 * MIB
    row = b"1.25,some text,2026-01-01\n"
    content = b"number,text,date\n" + row * (size // len(row))
    body = parts(('name="file"; filename="large.csv"', content), ('name="nrows"', b"3"))
    api = Api(server)
    before = api.reset_peak()
    with open_request(server, "utils/R/read.csv", MULTIPART, len(body)) as connection:
        half = len(body) // 2
        connection.sendall(body[:half])
        assert client.post("/ocpu/library/base/R/sum/json", data={"...": "1,2"}).json() == [3]
        wait_until(lambda: sum(map(size_of, left_over(server))) > half - 4 * MIB)
        connection.sendall(body[half:])
        answer = read_answer(connection)
    assert b"201 Created" in answer
    assert api.peak() - before < 16 * MIB
    assert left_over(server) == []


def test_upload_beyond_the_limit_is_refused_and_the_client_hears_of_it(
    client: httpx.Client, server: Server
) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(LIMIT_MB + 50):
            yield b"x" * MIB

    said = f"larger than {LIMIT_MB} MB, the limit of this server (ocpu.upload_limit"
    length = {"Content-Length": str((LIMIT_MB + 50) * MIB)}
    for headers in (length, {}):
        answer = client.post(
            "/ocpu/library/base/R/identity",
            content=pieces(),
            headers={"Content-Type": JSON, **headers},
        )
        assert (answer.status_code, said in answer.text) == (413, True), answer.text
        assert answer.headers["connection"] == "close"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert post(client, b"x=1", FORM).json() == [1]
    assert left_over(server) == []


def test_refusal_comes_before_the_body(server: Server) -> None:
    with open_request(server, "base/R/identity", JSON, 10**12) as connection:
        assert b"413 Request Entity Too Large" in connection.recv(4096)
    with open_request(server, "base/R/identity", FORM, 17 * MIB) as connection:
        assert b"multipart/form-data" in read_answer(connection, of_body=True)


@pytest.mark.parametrize("content_type", [MULTIPART, JSON])
def test_client_that_goes_away_leaves_nothing(
    client: httpx.Client, server: Server, content_type: str
) -> None:
    begins = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.csv"\r\n\r\n'
    with open_request(server, "utils/R/read.csv", content_type, 20 * MIB) as connection:
        connection.sendall(begins + b"x" * 4 * MIB)
        wait_until(lambda: left_over(server))
    wait_until(lambda: not left_over(server))
    assert post(client, b"x=1", FORM).json() == [1]
