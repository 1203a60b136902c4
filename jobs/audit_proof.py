"""Proving that an audit is as it was written: the chain is walked, and its ends are looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from jobs.audit_checkpoint import Checkpoint
from jobs.audit_record import AuditRow, hash_of
from jobs.audit_rows import RETENTION, AuditFilter, Chain
from jobs.repository import Catalog


@dataclass(frozen=True)
class Proof:
    """What was found.

    Attributes:
        first: The first row that was looked at; 0 where there is none.
        last: The last one that is right.
        hash: Its hash.
        broken: The first row that is not as it was written; None where all are.
        fault: What is wrong with it.
    """

    first: int
    last: int
    hash: str
    broken: int | None = None
    fault: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether nothing was found wrong."""
        return self.broken is None


@dataclass(frozen=True)
class Link:
    """A row as it is to be looked at.

    Attributes:
        id: Its number.
        content: What its hash is of.
        hash: What is said to be its hash.
        previous: What is said to be the hash before; None where only the row before says it.
    """

    id: int
    content: Mapping[str, Any]
    hash: str
    previous: str | None = None

    @classmethod
    def of_row(cls, row: AuditRow) -> Link:
        """The same of a row of the catalog."""
        return cls(row.id, row.content, row.hash)


def prove_links(
    links: Iterable[Link], after: int, anchor: str, checkpoints: Mapping[int, str]
) -> Proof:
    """Walks rows that follow the row `after`, whose hash is `anchor`.

    Args:
        links: The rows.
        after: The number before the first one.
        anchor: What the first one is hashed behind.
        checkpoints: Hashes that rows had, noted elsewhere.
    """
    last, digest = after, anchor
    for link in links:
        fault = _fault(link, last, digest, checkpoints)
        if fault:
            return Proof(after + 1, last, digest, last + 1, fault)
        last, digest = link.id, link.hash
    return Proof(after + 1 if last > after else 0, last, digest)


def _fault(link: Link, last: int, digest: str, checkpoints: Mapping[int, str]) -> str:
    if link.id != last + 1:
        return _gap(last, link.id)
    if link.previous not in (None, digest):
        return f"it was not written behind this row {last}"
    if hash_of(digest, link.content) != link.hash:
        return f"its hash is not that of its content behind row {last}"
    if checkpoints.get(link.id, link.hash) != link.hash:
        return "it had another hash when it was noted"
    return ""


def prove_export(links: Iterable[Link], noted: Iterable[Checkpoint]) -> Proof:
    """Walks the rows of a file, which begin anywhere: what it says stood before them is believed.

    Raises:
        ValueInvalid: A row cannot be read.
    """
    following = iter(links)
    first = next(following, None)
    if first is None:
        return Proof(0, 0, "")
    checkpoints = {one.row: one.hash for one in noted}
    anchor = checkpoints.get(first.id - 1, first.previous or "")
    proof = prove_links(chain([first], following), first.id - 1, anchor, checkpoints)
    return _end(proof, {row: digest for row, digest in checkpoints.items() if row >= first.id})


def prove_catalog(catalog: Catalog, noted: Iterable[Checkpoint]) -> Proof:
    """Walks the chain of a catalog, and looks at its ends.

    Args:
        catalog: Where it is.
        noted: Rows that were there.

    Raises:
        CatalogUnavailable: It cannot be read.
    """
    checkpoints = {one.row: one.hash for one in noted}
    ends = catalog.audit_chain()
    if ends is None:
        if catalog.audit_rows(limit=1):
            return Proof(0, 0, "", 1, "the start of the chain was removed")
        return _end(Proof(0, 0, ""), checkpoints)
    links = map(Link.of_row, catalog.audit_since(0, upto=ends.last))
    proof = prove_links(links, ends.dropped, ends.anchor, checkpoints)
    if proof.is_whole and not _begins_well(ends, catalog):
        fault = "the rows before it are gone, and no row says that they were dropped"
        return _broken(proof, fault, ends.dropped + 1)
    if proof.is_whole and (proof.last, proof.hash) != (ends.last, ends.hash):
        return _broken(proof, _gap(proof.last, ends.last + 1), proof.last + 1)
    if proof.is_whole and catalog.audit_rows(limit=1)[0].id > ends.last:
        return _broken(proof, "it was added behind the end of the chain", ends.last + 1)
    return _end(proof, checkpoints)


def _end(proof: Proof, checkpoints: Mapping[int, str]) -> Proof:
    """Whether the chain goes as far as it was once noted to go."""
    furthest = max(checkpoints, default=0)
    if proof.is_whole and furthest > proof.last:
        return _broken(proof, _gap(proof.last, furthest + 1), proof.last + 1)
    return proof


def _begins_well(ends: Chain, catalog: Catalog) -> bool:
    """Whether the chain begins at its genesis, or where a row of it says."""
    if not ends.dropped:
        return ends.anchor == ends.genesis
    told = catalog.audit_rows(AuditFilter(operation=RETENTION), limit=1)
    if not told:
        return False
    upto = (told[0].record.target or "").rpartition("-")[2]
    return (upto, told[0].record.detail) == (str(ends.dropped), ends.anchor)


def _gap(last: int, found: int) -> str:
    missing = found - last - 1
    if missing <= 0:
        return f"it stands where a row after {last} belongs"
    return "it was removed" if missing == 1 else f"it was removed, and {missing - 1} more behind it"


def _broken(proof: Proof, fault: str, row: int | None = None) -> Proof:
    return replace(proof, broken=row or proof.last + 1, fault=fault)
