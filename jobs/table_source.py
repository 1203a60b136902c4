"""Tables in files: where the rows of a job, or the values of an argument, may come from."""

import csv
from collections.abc import Generator, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import pyarrow as pa
from pyarrow import parquet

from jobs.csv_table import csv_parts
from jobs.errors import RowsUnreadable
from jobs.r_expression import AsksR

ROWS_AT_ONCE: Final = 10_000
BUFFER_BYTES: Final = 2**18


class TableSource(Protocol):
    """A table outside; reading it raises `RowsUnreadable` with a reason for people.

    `r` is for those that R makes: only they may raise what the engine raises.
    """

    @property
    def name(self) -> str:
        """What people call it."""

    def parts(self, r: AsksR | None = None, /) -> Generator[pa.Table]:
        """All of it, a part at a time; the first one has all columns, if no rows."""

    def columns(self, r: AsksR | None = None, /) -> list[str]:
        """The names of its columns, without reading the rest where that is possible."""

    def mark(self) -> Hashable:
        """Something that is another one when the content may be; None if only reading tells."""


@dataclass(frozen=True)
class CsvFile:
    """A CSV file with a header; types are those that R's read.csv() would choose.

    Attributes:
        path: The file.
        texts: Columns that stay the texts they are.
    """

    path: Path
    texts: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def parts(self, _r: AsksR | None = None, /) -> Generator[pa.Table]:
        """All of it, a part at a time."""
        return csv_parts(self.path, self.texts)

    def columns(self, _r: AsksR | None = None, /) -> list[str]:
        """The column names, from the first line alone."""
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                return next(csv.reader(file), [])
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise RowsUnreadable(self.name, f"cannot be read: {error}") from error

    def mark(self) -> Hashable:
        """Time and size of the file."""
        return _file_mark(self.path)


@dataclass(frozen=True)
class ParquetFile:
    """A Parquet file.

    Attributes:
        path: The file.
    """

    path: Path

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def parts(self, _r: AsksR | None = None, /) -> Generator[pa.Table]:
        """All of it, some rows at a time, however large its row groups are."""
        with self._opened() as file:
            yield file.schema_arrow.empty_table()
            for batch in file.iter_batches(ROWS_AT_ONCE):
                yield pa.table(batch)

    def columns(self, _r: AsksR | None = None, /) -> list[str]:
        """The column names, from the file's footer."""
        with self._opened() as file:
            return list(file.schema_arrow.names)

    def mark(self) -> Hashable:
        """Time and size of the file."""
        return _file_mark(self.path)

    @contextmanager
    def _opened(self) -> Iterator[parquet.ParquetFile]:
        try:
            with (
                self.path.open("rb") as opened,
                # Without the buffer a whole row group of a column is read at once.
                parquet.ParquetFile(opened, buffer_size=BUFFER_BYTES) as file,
            ):
                yield file
        except pa.ArrowException as error:
            raise RowsUnreadable(self.name, f"is no Parquet table: {error}") from error
        except OSError as error:
            reason = error.strerror or error
            raise RowsUnreadable(self.name, f"cannot be read: {reason}") from error


def _file_mark(path: Path) -> Hashable:
    try:
        stat = path.stat()
    except OSError:
        return None  # reading it will tell why
    return stat.st_mtime_ns, stat.st_size
