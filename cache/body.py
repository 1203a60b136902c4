"""One rendered answer: its bytes, and everything about them that can be worked out beforehand."""

import gzip
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

import brotli  # type: ignore[import-untyped]  # it ships no types
import zstandard

COMPRESS_FROM_BYTES = 1024  # below it, headers and decoding cost more than the bytes saved
_BROTLI_QUALITY, _GZIP_LEVEL, _ZSTD_LEVEL = 5, 6, 3  # the knees: 200 KB take 3.2, 3.5 and 0.5 ms

_TEXT_TYPES = frozenset(
    {
        "application/json",
        "application/javascript",
        "application/xml",
        "application/x-ndjson",
        "application/yaml",
        "application/vnd.apache.arrow.stream",
        "application/vnd.apache.arrow.file",
        "image/svg+xml",
    }
)


@dataclass(frozen=True)
class Body:
    """One rendered answer.

    ``etag`` is quoted and stands for the uncompressed content. ``encodings`` holds the compressed
    forms by their HTTP names (``br``, ``gzip``, ``zstd``), each only where it is smaller.
    """

    content: bytes
    media_type: str
    headers: tuple[tuple[str, str], ...] = ()
    etag: str = ""
    encodings: Mapping[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, content: bytes, media_type: str, headers: Iterable[tuple[str, str]] = ()) -> "Body":
        """A body with its ETag and compressed forms, made once so that no hit makes them."""
        return cls(
            content,
            media_type,
            tuple((name, value) for name, value in headers),
            f'"{blake2b(content, digest_size=16).hexdigest()}"',
            _compressed(content) if _compressible(content, media_type) else {},
        )


def _compressible(content: bytes, media_type: str) -> bool:
    kind = media_type.partition(";")[0].strip().lower()
    return len(content) >= COMPRESS_FROM_BYTES and (
        kind.startswith("text/") or kind.endswith(("+json", "+xml")) or kind in _TEXT_TYPES
    )


def _compressed(content: bytes) -> dict[str, bytes]:
    forms = {
        "br": brotli.compress(content, quality=_BROTLI_QUALITY),
        # No time stamp: equal contents have equal forms.
        "gzip": gzip.compress(content, _GZIP_LEVEL, mtime=0),
        # A compressor may not be shared by threads; a new one costs little.
        "zstd": zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(content),
    }
    return {name: form for name, form in forms.items() if len(form) < len(content)}
