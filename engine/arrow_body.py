"""Data frames as Feather, Arrow streams and Parquet, from the columns that R wrote.

Options are those of R's write_feather(), write_ipc_stream() and write_parquet(); it ignores others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyarrow import ipc

from engine.columns import arrow_table
from engine.errors import CallRefused

MOST_CHUNKS = 10_000
"""However small the chunks are asked to be: each costs hundreds of bytes."""
IPC_CODECS = {"lz4": "lz4", "lz4_frame": "lz4", "zstd": "zstd", "uncompressed": None}
PARQUET_CODECS = {
    **{name: name for name in ("snappy", "gzip", "brotli", "zstd", "lz4")},
    "uncompressed": "none",
}
PARQUET_VERSIONS = {"1": "1.0", "1.0": "1.0", "2.4": "2.4", "2.6": "2.6", "latest": "2.6"}

Options = Mapping[str, Any]


@dataclass(frozen=True)
class ArrowFormat:
    """How a format is called where answers are sent."""

    media_type: str
    extension: str


FORMATS = {
    "feather": ArrowFormat("application/feather", "feather"),
    "arrowipc": ArrowFormat("application/vnd.apache.arrow.stream", "arrow"),
    "parquet": ArrowFormat("application/vnd.apache.parquet", "parquet"),
}


def arrow_body(
    format_name: str,
    content: bytes,
    columns: Sequence[Mapping[str, Any]],
    options: Options,
) -> bytes:
    """Returns the columns, whose buffers are `content`, in one of FORMATS.

    Raises:
        CallRefused: an option is not usable, or a value has no place in the format.
    """
    writer = {"feather": _feather, "arrowipc": _stream, "parquet": _parquet}[format_name]
    try:
        return writer(arrow_table(pa.py_buffer(content), columns), options)
    except (pa.ArrowException, OverflowError) as error:
        text = f"The data cannot be written as {format_name}: {error}"
        raise CallRefused(text, "bad_data") from error


def _feather(table: pa.Table, options: Options) -> bytes:
    if _text(options, "version", "2") != "2":
        raise _refused("version", "2 (the Arrow IPC file)")
    settings = ipc.IpcWriteOptions(compression=_ipc_codec(options, "lz4"))
    sink = pa.BufferOutputStream()
    with ipc.new_file(sink, table.schema, options=settings) as writer:
        writer.write_table(table, max_chunksize=_chunk_rows(table, options, 65_536))
    return _bytes(sink)


def _stream(table: pa.Table, options: Options) -> bytes:
    settings = ipc.IpcWriteOptions(compression=_ipc_codec(options, "uncompressed"))
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, table.schema, options=settings) as writer:
        writer.write_table(table, max_chunksize=_chunk_rows(table, options, None))
    return _bytes(sink)


def _parquet(table: pa.Table, options: Options) -> bytes:
    from pyarrow import parquet  # noqa: PLC0415  # 50 ms that no other format needs

    codec = _chosen("compression", _text(options, "compression", "snappy"), PARQUET_CODECS)
    sink = pa.BufferOutputStream()
    parquet.write_table(
        table,
        sink,
        version=_chosen("version", _text(options, "version", "2.6"), PARQUET_VERSIONS),
        compression=codec,
        compression_level=None if codec == "none" else _level(codec, options),
        use_dictionary=options.get("use_dictionary") is not False,
        write_statistics=options.get("write_statistics") is not False,
        row_group_size=_chunk_rows(table, options, None),
    )
    return _bytes(sink)


def _ipc_codec(options: Options, default: str) -> pa.Codec | None:
    wanted = _text(options, "compression", "default").lower()
    name = _chosen("compression", default if wanted == "default" else wanted, IPC_CODECS)
    return None if name is None else pa.Codec(name, compression_level=_level(name, options))


def _chosen(option: str, wanted: str, known: Mapping[str, Any]) -> Any:
    if wanted.lower() not in known:
        raise _refused(option, ", ".join(known))
    return known[wanted.lower()]


def _level(codec: str, options: Options) -> int | None:
    level = options.get("compression_level")
    if level is None or not pa.Codec.supports_compression_level(codec):
        return None
    least, most = (
        pa.Codec.minimum_compression_level(codec),
        pa.Codec.maximum_compression_level(codec),
    )
    return _whole("compression_level", level, least, most)


def _chunk_rows(table: pa.Table, options: Options, default: int | None) -> int | None:
    wanted = options.get("chunk_size")
    if wanted is None:
        return default
    rows = _whole("chunk_size", wanted, 1, 2**62)
    return max(rows, int(table.num_rows) // MOST_CHUNKS)


def _whole(option: str, value: Any, least: int, most: int) -> int:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not least <= value <= most or value != int(value):
        raise _refused(option, f"a whole number from {least} to {most}")
    return int(value)


def _text(options: Options, name: str, default: str) -> str:
    """Returns an option as text; R reads `2.0` as the number 2."""
    value = options.get(name, default)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _refused(option: str, allowed: str) -> CallRefused:
    return CallRefused(f"The option '{option}' has to be {allowed}.", "bad_option")


def _bytes(sink: pa.BufferOutputStream) -> bytes:
    content: bytes = sink.getvalue().to_pybytes()
    return content
