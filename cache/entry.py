"""An entry: what was asked, what came of it, how long it holds, and the bytes to answer with.

The stored form is ``LRDR``, the header's length (4 bytes, little-endian), the header as JSON, then
all bodies one after the other. A header field that this Larder does not know survives being read
and written again; a format number that it does not know is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final

import orjson

from cache.body import Body
from cache.clock import from_text, to_text
from cache.errors import ArgumentUnsupported, EntryFormatTooNew, EntryUnreadable
from cache.freshness import Freshness, State, Version, state_at

__all__ = ["Body", "Entry", "EntryFacts", "EntrySummary", "Freshness", "State", "Version"]

FORMAT: Final = 1
_MARK: Final = b"LRDR"


@dataclass(frozen=True, kw_only=True)
class EntryFacts:
    """All that is known of an entry apart from its bodies.

    ``arguments`` is plain JSON with defaults filled in, R source as ``{"r": "…"}``. ``listing`` has
    the session's outputs in the order they came to be, relative to the session. ``extra`` holds
    what a later Larder of the same format added.
    """

    cache_key: str
    function: str
    job: str
    version: str
    session_key: str | None
    arguments: dict[str, Any]
    computed_at: datetime
    duration_s: float
    fresh_until: datetime
    stale_until: datetime
    keep_until: datetime
    pinned: bool = False
    tags: tuple[str, ...] = ()
    seed: int | None = None
    listing: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    def state(self, now: datetime, current: Version | None = None) -> State:
        """Fresh, stale or a miss at ``now``, under the job's ``current`` version."""
        return state_at(
            now,
            fresh_until=self.fresh_until,
            stale_until=self.stale_until,
            version=self.version,
            current=current,
        )

    def header(self) -> dict[str, Any]:
        """The facts as plain JSON, unknown fields among them."""
        plain: dict[str, Any] = {**self.extra, "format": FORMAT}
        for name in _FACTS:
            value = getattr(self, name)
            plain[name] = to_text(value) if name in _MOMENTS else value
        return plain


@dataclass(frozen=True, kw_only=True)
class EntrySummary(EntryFacts):
    """An entry without its bodies: the formats it has, and the room it takes in the store."""

    formats: tuple[str, ...] = ()
    size_bytes: int = 0

    def to_bytes(self) -> bytes:
        """The stored form of the summary: a header without bodies."""
        return _dumped(
            self, {**self.header(), "formats": self.formats, "size_bytes": self.size_bytes}
        )

    @classmethod
    def from_bytes(cls, data: bytes, cache_key: str = "?") -> "EntrySummary":
        """The summary that ``to_bytes`` wrote.

        Raises:
            EntryFormatTooNew: a later Larder wrote it.
            EntryUnreadable: it makes no sense; the error names ``cache_key``.
        """
        try:
            header = _loaded(data)
            return cls(
                formats=tuple(header.pop("formats")),
                size_bytes=header.pop("size_bytes"),
                **_facts(header),
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise EntryUnreadable(cache_key, repr(error)) from error


@dataclass(frozen=True, kw_only=True)
class Entry(EntryFacts):
    """A stored answer: its facts, and its rendered bodies by format name."""

    bodies: dict[str, Body] = field(default_factory=dict)

    def summary(self, size_bytes: int = 0) -> EntrySummary:
        """The entry without its bodies, said to take so much room."""
        return EntrySummary(
            **{one.name: getattr(self, one.name) for one in fields(EntryFacts)},
            formats=tuple(self.bodies),
            size_bytes=size_bytes,
        )

    def to_bytes(self) -> bytes:
        """The stored form.

        Raises:
            ArgumentUnsupported: the arguments are not plain JSON.
        """
        return self._with_bodies(self.header())

    def to_rows(self, overhead_bytes: int) -> tuple[bytes, bytes]:
        """The stored forms of the entry and of its summary, which has so much room added.

        Raises:
            ArgumentUnsupported: the arguments are not plain JSON.
        """
        header = self.header()
        data = self._with_bodies(header)
        said = {"formats": tuple(self.bodies), "size_bytes": len(data) + overhead_bytes}
        return data, _dumped(self, {**header, **said})

    def _with_bodies(self, facts: dict[str, Any]) -> bytes:
        described: list[list[Any]] = []
        raw: list[bytes] = []
        for name, body in self.bodies.items():
            forms = {"identity": body.content, **body.encodings}
            sizes = {encoding: len(form) for encoding, form in forms.items()}
            described.append([name, body.media_type, body.headers, body.etag, sizes])
            raw += forms.values()
        header = _dumped(self, {**facts, "bodies": described})
        return b"".join([_MARK, len(header).to_bytes(4, "little"), header, *raw])

    @classmethod
    def from_bytes(cls, data: bytes, cache_key: str = "?") -> "Entry":
        """The entry that ``to_bytes`` wrote.

        Raises:
            EntryFormatTooNew: a later Larder wrote it.
            EntryUnreadable: it is damaged or no entry; the error names ``cache_key``.
        """
        if data[:4] != _MARK:
            raise EntryUnreadable(cache_key, "it does not start as an entry does")
        at = 8 + int.from_bytes(data[4:8], "little")
        bodies: dict[str, Body] = {}
        try:
            header = _loaded(data[8:at])
            for name, media_type, headers, etag, sizes in header.pop("bodies"):
                forms: dict[str, bytes] = {}
                for encoding, size in sizes.items():
                    forms[encoding] = data[at : at + size]
                    at += size
                pairs = tuple((key, value) for key, value in headers)
                bodies[name] = Body(forms.pop("identity"), media_type, pairs, etag, forms)
            entry = cls(bodies=bodies, **_facts(header))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise EntryUnreadable(cache_key, repr(error)) from error
        if at != len(data):
            raise EntryUnreadable(cache_key, f"it has {len(data)} bytes, its header says {at}")
        return entry


_FACTS: Final = tuple(one.name for one in fields(EntryFacts) if one.name != "extra")
_MOMENTS: Final = frozenset({"computed_at", "fresh_until", "stale_until", "keep_until"})


def _dumped(facts: EntryFacts, header: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(header)
    except TypeError as error:  # orjson's own error is one
        raise ArgumentUnsupported(facts.function, f"not plain JSON ({error})") from error


def _loaded(data: bytes) -> dict[str, Any]:
    header: dict[str, Any] = orjson.loads(data)
    found = header.pop("format")
    if found > FORMAT:
        raise EntryFormatTooNew(found, FORMAT)
    return header


def _facts(header: dict[str, Any]) -> dict[str, Any]:
    known = {name: header.pop(name) for name in _FACTS}
    for name in _MOMENTS:
        known[name] = from_text(known[name])
    return {
        **known,
        "tags": tuple(known["tags"]),
        "listing": tuple(known["listing"]),
        "extra": header,
    }
