"""Requests nobody would write: what hypothesis draws them from, and what no answer may show."""

import string
from dataclasses import dataclass, field

import httpx
from hypothesis import strategies as st
from serving import ROOT, Server

Headers = dict[str, str]


@dataclass(frozen=True)
class Shot:
    """One request below a server's address."""

    method: str
    path: str
    headers: Headers = field(default_factory=dict)
    body: bytes = b""

    def send(self, client: httpx.Client, session_key: str = "x0123456789abcd") -> httpx.Response:
        """Sends it as it is; KEY stands for a session that exists."""
        path = self.path.replace("KEY", session_key)
        url = httpx.URL(str(client.base_url)).copy_with(raw_path=path.encode("latin-1"))
        headers = {"content-length": str(len(self.body)), **self.headers}
        return client.send(httpx.Request(self.method, url, headers=headers, content=self.body))


METHODS = ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "PROPFIND")
WORDS = (
    *("ocpu", "library", "lib", "tmp", "user", "apps", "github", "gist", "cran", "bioc", "doc"),
    *("test", "info", "webhook", "R", "data", "man", "html", "files", "graphics", "stdout", "zip"),
    *("tar", "source", "console", "messages", "warnings", "www", "print", "json", "csv", "png"),
    *("text", "parquet", "feather", "rds", "pb", "md", "svg", "pdf", "spss", "bin", "file", "1"),
    *("last", "root", ".val", "DESCRIPTION", "index.html", "stats", "MASS", "base", "datasets"),
    *("scoring", "gain", "rnorm", "identity", "women", "Boston", "lm", "plot", "stop", "paste"),
    *("stats::rnorm", "MASS::Boston", "x0123456789abcd", "x0123456789abcd::f", "..", ".", "%2e%2e"),
    *("%2F", "%00", "%ff", "%25", "%0a", "a b".replace(" ", "%20"), "~root", "C:", "-e", "$HOME"),
)
TOPS = (
    *("/ocpu/library/stats/R/rnorm", "/ocpu/library/base/R/identity", "/ocpu/library/MASS/data"),
    *(
        "/ocpu/library/base/R/paste",
        "/ocpu/library/graphics/R/plot",
        "/ocpu/library/scoring/R/gain",
    ),
    *("/ocpu/library/base/R/data.frame", "/ocpu/library/stats/R/lm", "/ocpu/library/base/R/stop"),
    *("/ocpu/library/brew/examples", "/ocpu/tmp", "/ocpu/user", "/ocpu/apps", "/ocpu/gist"),
    *("/ocpu/cran", "/ocpu/bioc", "/ocpu/webhook", "/ocpu/test", "/ocpu/doc", "/ocpu/info"),
    *("/v1/jobs", "/v1/results/weight_gain", "/v1/results/diamond_prices", "/v1", "/docs", ""),
)
TYPES = (
    *("application/x-www-form-urlencoded", "application/json", "application/rds", "text/plain"),
    *("application/x-protobuf", "application/rprotobuf", "multipart/form-data", "", ";", "a/b"),
    *("multipart/form-data; boundary=x", "multipart/form-data; boundary=", "application/xml"),
    *("application/json; charset=utf-16", "application/octet-stream", "\x7f"),
)
VALUES = (
    *("3", "-1e308", "NaN", "Inf", "1e999", "0x", "TRUE", "true", "null", '"a"', "'", '"', "`"),
    *("c(1,2", "{", "[", "[1,2]", '{"a":1}', "{}", "x0123456789abcd", "stats::rnorm", ":::", "=5"),
    *(
        "function(x) x",
        "1;2",
        "\n",
        "\r\n",
        "%",
        "%%",
        "%zz",
        "é",
        "漢",
        "\U0001f600",
        "\x00",
        "NA",
    ),
    *("a=b=c", "...", "..1", "if", "T", "cars", "stop('x')", "warning('x')", "#", "\\", "\\x", "-"),
)
NAMES = ("x", "n", "object", "data", "formula", "...", "", "treatment", "prewt", ".", "if", "a b")
HEADERS = (
    *("Accept", "Accept-Encoding", "If-None-Match", "Cache-Control", "Origin", "Range", "Host"),
    *("Expect", "X-Forwarded-Host", "Authorization", "X-Hub-Signature-256", "X-GitHub-Event"),
)

_visible = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="?#%"))
_segments = st.one_of(st.sampled_from(WORDS), _visible.filter(bool))
_texts = st.one_of(st.sampled_from(VALUES), st.text(max_size=20))
_escaped = _texts.map(lambda text: "".join(_escape(byte) for byte in text.encode()))


def _escape(byte: int) -> str:
    kept = string.ascii_letters + string.digits + "-._~()[]{}'\"*+,;:@!$/"
    return chr(byte) if chr(byte) in kept and byte not in b"\"'{}" else f"%{byte:02X}"


_pairs = st.lists(st.tuples(st.sampled_from(NAMES), _escaped), max_size=4)
_queries = _pairs.map(lambda pairs: "&".join(f"{name.replace(' ', '+')}={v}" for name, v in pairs))
_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | _texts,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


def _parts(pairs: list[tuple[str, str, str | None, str | None]]) -> bytes:
    body = b""
    for name, value, filename, kind in pairs:
        head = f'Content-Disposition: form-data; name="{name}"'
        head += f'; filename="{filename}"' if filename is not None else ""
        head += f"\r\nContent-Type: {kind}" if kind is not None else ""
        body += b"--x\r\n" + head.encode() + b"\r\n\r\n" + value.encode() + b"\r\n"
    return body + b"--x--\r\n"


_multipart = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        _texts,
        st.none() | st.sampled_from(["a.csv", "../a", "", "/etc/x", ".larder.json", ".RData", "é"]),
        st.none() | st.sampled_from(TYPES).filter(str.isprintable),
    ),
    max_size=4,
).map(_parts)


def _dump(value: object) -> bytes:
    import json

    return json.dumps(value).encode()


_contents = st.one_of(
    st.tuples(st.just("application/x-www-form-urlencoded"), _queries.map(str.encode)),
    st.tuples(st.just("application/json"), _json.map(_dump)),
    st.tuples(st.just("multipart/form-data; boundary=x"), _multipart),
    st.tuples(st.sampled_from(TYPES), st.binary(max_size=200)),
)
_random_paths = st.tuples(
    st.sampled_from(TOPS), st.lists(_segments, max_size=4), st.booleans()
).map(lambda found: "/".join([found[0], *found[1]]) + ("/" if found[2] else ""))
_objects = st.sampled_from(
    (
        *("library/stats/R/rnorm", "library/base/R/identity", "library/datasets/R/women"),
        *("library/MASS/data/Boston", "library/MASS/R/Boston", "library/base/R/letters", "tmp/KEY"),
        *("library/datasets/data/Titanic", "library/base/R/pi", "library/graphics/R/plot"),
        *("tmp/KEY/R/.val", "tmp/KEY/R/x", "tmp/KEY/graphics/1", "tmp/KEY/graphics", "tmp/KEY/R"),
        *("tmp/KEY/stdout", "tmp/KEY/console", "tmp/KEY/info", "tmp/KEY/files", "tmp/KEY/zip"),
        *("library/scoring/R/gain", "library/stats/man/rnorm", "library/brew", "library/MASS/html"),
        *("library/base/R/data.frame", "library/stats/R/lm", "library/base/R/stop", "doc/html"),
        *(
            "library/jsonlite/R/toJSON",
            "library/base/R/paste",
            "library/base/R/new.env",
            "apps/a/b",
        ),
    )
)
_formats = st.sampled_from(
    (
        *("", "/", "/print", "/json", "/csv", "/tab", "/ndjson", "/text", "/ascii", "/md", "/rds"),
        *("/rda", "/pb", "/bin", "/feather", "/arrowipc", "/parquet", "/spss", "/sas", "/stata"),
        *("/png", "/svg", "/svglite", "/pdf", "/file", "/nosuch", "/html", "/tex", "/json/x"),
    )
)
_options = st.sampled_from(
    (
        *("digits", "dataframe", "auto_unbox", "row.names", "sep", "width", "height", "pointsize"),
        *("na", "pretty", "matrix", "file", "x", "object", "con", "path", "name", "method", "type"),
        *("compression", "version", "max.print", "quote", "format", "options", "force", "null"),
    )
)
_option_texts = st.lists(st.tuples(_options, _escaped | st.just("1e6")), max_size=3).map(
    lambda pairs: "&".join(f"{name}={value}" for name, value in pairs)
)
_object_paths = st.tuples(_objects, _formats).map(lambda found: f"/ocpu/{found[0]}{found[1]}")
_paths = _object_paths | _random_paths
_headers = st.dictionaries(
    st.sampled_from(HEADERS), _visible.map(lambda text: text[:60] or "x"), max_size=2
)


@st.composite
def shots(draw: st.DrawFn) -> Shot:
    path = draw(_paths) or "/"
    query = draw(
        st.none() | _option_texts | _queries | st.text("0123456789abcdef&=%+;", max_size=20)
    )
    headers = draw(_headers)
    kind, body = draw(_contents)
    method = draw(st.sampled_from(METHODS[:2]) | st.sampled_from(METHODS))
    if method in ("POST", "PUT", "PATCH") and kind:
        headers["Content-Type"] = kind
    else:
        body = b""
    return Shot(method, path if query is None else f"{path}?{query}", headers, body)


def complaints(answer: httpx.Response, server: Server) -> list[str]:
    """What is wrong with an answer, whatever was asked."""
    found = []
    if answer.status_code >= 500 and answer.status_code != 504:
        found.append(f"status {answer.status_code}")
    if answer.status_code >= 400:
        secrets = (str(server.project), str(ROOT), "Traceback (most", 'File "', "site-packages")
        asked = answer.request.url.raw_path.decode("latin-1")
        found += [
            f"shows {secret!r}"
            for secret in secrets
            if secret in answer.text and secret not in asked.replace("//", "/")
        ]
    if answer.status_code >= 400 and answer.content and "content-type" not in answer.headers:
        found.append("an error without a Content-Type")
    return found
