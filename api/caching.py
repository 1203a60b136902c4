"""HTTP caching: what a request asks of the cache, and how an answer says where it came from.

RFC 9110 (conditional requests), 9111 (Age, Cache-Control) and 9211 (Cache-Status).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Protocol

from api.errors import OnlyIfCached
from api.refusals import NotPrepared
from api.reply import Headers, Reply
from cache.body import Body
from cache.entry import State

ENCODINGS = ("br", "zstd", "gzip")
"""In order of preference: brotli is smallest."""


class Answer(Protocol):
    """What a cell's and a row's resolution have in common."""

    @property
    def state(self) -> State:
        """Fresh, stale or a miss."""

    @property
    def age_s(self) -> float:
        """Seconds since it was computed."""

    @property
    def ttl_s(self) -> float:
        """Seconds for which it stays fresh."""

    @property
    def computed(self) -> bool:
        """Whether R was just called for it."""


@dataclass(frozen=True)
class Directives:
    """What a request asks of the cache.

    Attributes:
        no_cache: It wants an answer computed now.
        only_if_cached: It wants none computed; a miss is 504.
        max_age_s: It wants none older than this.
        etags: What it has already.
        encodings: What it understands.
        prepared_only: Nothing may be computed for who asks, nor behind the answer.
    """

    no_cache: bool = False
    only_if_cached: bool = False
    max_age_s: float | None = None
    etags: tuple[str, ...] = ()
    encodings: frozenset[str] = frozenset()
    prepared_only: bool = False

    def without_r(self, *, miss: int) -> Directives:
        """Returns them for somebody for whom R is not asked: what is prepared is what they get.

        A miss is 404, or 504 if `miss` says so.
        """
        return replace(
            self,
            no_cache=False,
            max_age_s=None,
            only_if_cached=self.only_if_cached or miss == HTTPStatus.GATEWAY_TIMEOUT,
            prepared_only=True,
        )

    def check_computing(self) -> None:
        """Lets pass what may have an answer computed.

        Raises:
            OnlyIfCached, NotPrepared: it may not.
        """
        if self.prepared_only:
            if self.only_if_cached:
                raise OnlyIfCached("a key with the role viewer starts no R")
            raise NotPrepared
        if self.only_if_cached:
            raise OnlyIfCached

    def accepts(self, answer: Answer) -> bool:
        """Whether an answer that is there will do."""
        if self.no_cache or answer.state is State.MISS:
            return False
        return self.max_age_s is None or answer.age_s <= self.max_age_s


def read_directives(headers: Mapping[str, str]) -> Directives:
    """Returns what these request headers (names in lower case) ask; nonsense asks nothing."""
    control = headers.get("cache-control", "").lower()
    no_cache, only_if_cached, max_age_s = False, False, None
    for part in control.split(",") if control else ():
        name, _, value = part.strip().partition("=")
        no_cache = no_cache or name in ("no-cache", "no-store")
        only_if_cached = only_if_cached or name == "only-if-cached"
        if name == "max-age" and value.isdecimal():
            max_age_s = float(value)
    etags = tuple(tag.strip() for tag in headers.get("if-none-match", "").split(",") if tag.strip())
    accepted = headers.get("accept-encoding", "")
    encodings = frozenset(
        item.partition(";")[0].strip().lower()
        for item in accepted.split(",")
        if not item.replace(" ", "").endswith(("q=0", "q=0.0"))
    )
    return Directives(no_cache, only_if_cached, max_age_s, etags, encodings)


def body_reply(status: int, body: Body, headers: Headers, directives: Directives) -> Reply:
    """Returns a stored body in the best encoding, or 304 if the client has it already."""
    encoding = next((e for e in ENCODINGS if e in body.encodings and e in directives.encodings), "")
    etag = f'{body.etag[:-1]}-{encoding}"' if encoding else body.etag
    headers = (("ETag", etag), *headers)
    if body.encodings:
        headers = (*headers, ("Vary", "Accept-Encoding"))
    if _matches(body.etag, directives.etags):
        return Reply(304, b"", None, headers)
    content = body.content
    if encoding:
        content = body.encodings[encoding]
        headers = (*headers, ("Content-Encoding", encoding))
    return Reply(status, content, body.media_type, (*headers, *body.headers))


def _matches(etag: str, wanted: tuple[str, ...]) -> bool:
    """Whether the client names this content, in whatever encoding it got it."""
    opaque = etag.strip('"')
    for tag in wanted:
        name = tag.removeprefix("W/").strip('"')
        if name in ("*", opaque) or name.removesuffix("-gzip") == opaque:
            return True
        if name.rpartition("-")[0] == opaque:
            return True
    return False


def answer_headers(answer: Answer, computed_at: datetime, job: str, version: str) -> Headers:
    """Returns how old an answer is, how long it will do, and what made it."""
    age = max(0, int(answer.age_s))
    lifetime = max(0, int(answer.ttl_s)) + age
    if answer.computed:
        status = f"larder; fwd=miss; stored; ttl={int(answer.ttl_s)}"
    elif answer.state is State.STALE:
        status = f"larder; hit; ttl={int(answer.ttl_s)}; detail=stale"
        lifetime = 0
    else:
        status = f"larder; hit; ttl={int(answer.ttl_s)}"
    return (
        ("Age", str(age)),
        ("Cache-Control", f"max-age={lifetime}, public"),
        ("Cache-Status", status),
        ("Last-Modified", format_datetime(computed_at, usegmt=True)),
        ("Larder-Job", f"{job}; version={version[:12]}" if version else job),
    )
