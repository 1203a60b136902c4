"""The gists of a GitHub user, as GitHub's own API lists them."""

from __future__ import annotations

import http.client
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field

import orjson

from api.api_error import NotFound
from api.errors import OriginFailed, OriginTimeout

TIMEOUT_S = 10.0
"""For all of the answer."""
LARGEST_BYTES = 8 * 2**20
CHUNK_BYTES = 64 * 1024
KEPT_FOR_S = 300.0
"""GitHub answers sixty such questions an hour."""
REMEMBERED = 1000
_ID = re.compile(r"[A-Za-z0-9]{1,64}")


@dataclass
class GistList:
    """Asks GitHub for the ids of a user's gists, the newest hundred, and remembers them a while.

    Attributes:
        url: GitHub's API, an http or https URL.
        timeout_s: Seconds for one answer.
        kept_for_s: Seconds for which an answer is given again.
    """

    url: str
    timeout_s: float = TIMEOUT_S
    kept_for_s: float = KEPT_FOR_S
    _kept: dict[str, tuple[float, tuple[str, ...]]] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def ids(self, user: str) -> tuple[str, ...]:
        """Returns the ids of the gists of `user`, a well-formed name.

        Raises:
            NotFound: GitHub has no such user.
            OriginFailed, OriginTimeout: GitHub gave no list.
        """
        name = user.lower()
        with self._turn:
            kept = self._kept.get(name)
        if kept is not None and time.monotonic() - kept[0] < self.kept_for_s:
            return kept[1]
        ids = _ids_in(self._ask(user))
        with self._turn:
            if len(self._kept) >= REMEMBERED:
                self._kept.clear()
            self._kept[name] = (time.monotonic(), ids)
        return ids

    def _ask(self, user: str) -> bytes:
        address = f"{self.url.rstrip('/')}/users/{urllib.parse.quote(user)}/gists?per_page=100"
        if urllib.parse.urlsplit(address).scheme not in {"http", "https"}:
            raise OriginFailed("gists cannot be listed: install.github_api_url is no http URL")
        headers = {"User-Agent": "Larder", "Accept": "application/vnd.github+json"}
        request = urllib.request.Request(address, headers=headers)  # noqa: S310  # http, as checked
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_s) as answer:  # noqa: S310
                return self._read(answer)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 404:
                raise NotFound(f"GitHub has no user '{user}'") from None
            if error.code in {403, 429}:
                raise OriginFailed("GitHub lists no more gists for now; try again later") from None
            raise OriginFailed(f"GitHub could not list the gists ({error.code})") from None
        except TimeoutError:
            raise self._too_late() from None
        except (OSError, http.client.HTTPException) as error:
            if isinstance(getattr(error, "reason", None), TimeoutError):
                raise self._too_late() from None
            raise OriginFailed("GitHub cannot be reached to list the gists") from error

    def _read(self, answer: http.client.HTTPResponse) -> bytes:
        deadline = time.monotonic() + self.timeout_s
        content = bytearray()
        while chunk := answer.read1(CHUNK_BYTES):
            content += chunk
            if len(content) > LARGEST_BYTES:
                raise OriginFailed("GitHub's list of the gists is too long")
            if time.monotonic() > deadline:
                raise TimeoutError
        return bytes(content)

    def _too_late(self) -> OriginTimeout:
        return OriginTimeout(f"GitHub did not list the gists within {self.timeout_s:g} seconds")


def _ids_in(content: bytes) -> tuple[str, ...]:
    try:
        found = [str(gist["id"]) for gist in orjson.loads(content)]
    except (ValueError, TypeError, KeyError) as error:
        raise OriginFailed("GitHub's list of the gists cannot be read") from error
    return tuple(name for name in found if _ID.fullmatch(name))
