"""The checkpoint: where the audit's chain ended when somebody last looked, kept beside the catalog.

Rows taken from the end of the chain leave the rest as right as it was. So its end is noted in a
file, which only goes forward: a chain that does not hold what was noted keeps the note as it is.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from jobs.audit_spool import FOLDER
from jobs.errors import ValueInvalid
from jobs.repository import Catalog

log = logging.getLogger(__name__)

FILE: Final = "checkpoint"


@dataclass(frozen=True)
class Checkpoint:
    """A row that was there.

    Attributes:
        row: Its number.
        hash: Its hash.
    """

    row: int
    hash: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Returns what `str` wrote.

        Raises:
            ValueInvalid: It wrote something else.
        """
        number, _, digest = text.strip().partition(":")
        is_digest = len(digest) == 64 and set(digest) <= set("0123456789abcdef")
        if not number.isascii() or not number.isdecimal() or not is_digest:
            hint = "the number of a row, a colon and its hash, as `larder audit verify` prints it"
            raise ValueInvalid(f"'{text[:100]}' is no checkpoint of the audit", hint)
        return cls(int(number), digest)

    def __str__(self) -> str:
        return f"{self.row}:{self.hash}"


def read_checkpoint(state: Path) -> Checkpoint | None:
    """Returns what was noted; None where nothing was, or nothing that can be read."""
    try:
        return Checkpoint.parse((state / FOLDER / FILE).read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError, ValueInvalid):
        return None


def note_checkpoint(state: Path, catalog: Catalog) -> None:
    """Notes where the chain ends, if it holds what was noted before.

    Raises:
        OSError: The file cannot be written.
        CatalogUnavailable: The chain cannot be read.
    """
    chain, noted = catalog.audit_chain(), read_checkpoint(state)
    if chain is None or noted == Checkpoint(chain.last, chain.hash):
        return
    is_there = noted is not None and noted.row > chain.dropped
    if noted is not None and is_there and catalog.audit_hash(noted.row) != noted.hash:
        log.error("audit was changed, run `larder audit verify` row=%d", noted.row)
        return
    path = state / FOLDER / FILE
    fresh = path.with_suffix(".new")
    fresh.write_text(f"{Checkpoint(chain.last, chain.hash)}\n", encoding="ascii")
    fresh.rename(path)
