"""Cells that keep no session, in the child: evaluated some at a time, and told of as they are done.

Only their values leave it, serialized by R, and what is rendered of them. The end of each part is a
message of its own, so that a child which dies takes no more with it than the part under way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from rpy2 import rinterface as ri
from rpy2.rinterface_lib import openrlib

from engine import wire
from engine.convert import from_r
from engine.r_bodies import bodies_of, exact_body
from engine.value_answer import EXACT, PART_S, VALUE

PART_BYTES: Final = 1_000_000
"""Serialized values after which a part ends."""
MOST_BYTES: Final = wire.INLINE_BYTES * (wire.MOST_BLOBS - 16)
"""What one cell may give; more has to go as files, which sessions are for."""
TOO_LARGE: Final = "the answer is too large for a cell that keeps no session"

_lib, _ffi = openrlib.rlib, openrlib.ffi


class ValueCells:
    """The cells of one request.

    Args:
        evaluate: `evaluate_values` of engine/r/values.R, which knows them.
        labels: what is rendered of each beside its exact JSON, in order.
        count: how many there are.
    """

    def __init__(
        self, evaluate: Callable[..., Any], *, labels: tuple[str, ...], count: int
    ) -> None:
        self._evaluate = evaluate
        self._labels = labels
        self._count = count

    def parts(self, at_once: int) -> Iterator[tuple[dict[str, Any], list[bytes]]]:
        """Yields the messages about parts of at most so many cells; the last one says `end`."""
        done = 0
        is_tidy = True
        while done < self._count and is_tidy:
            last = min(done + at_once, self._count)
            bounds = (done + 1, last, PART_S, PART_BYTES)
            answer = self._evaluate(*(ri.FloatSexpVector([float(one)]) for one in bounds))
            part = dict(zip(answer.names, answer, strict=True))
            is_tidy = bool(part["tidy"][0])
            message, content = self._message(part)
            message["first"] = done
            done += len(message["took"])
            message["end"] = done == self._count or not is_tidy
            yield message, _in_pieces(content)

    def _message(self, part: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        took = list(part["took"])
        failures = {int(one["place"]) - 1: one for one in from_r(part["failures"])}
        bodies = part["bodies"]
        rendered: dict[int, dict[str, Any]] = {}
        if len(bodies):
            made = zip(bodies.names, bodies, strict=True)
            rendered = {int(place) - 1: bodies_of(body) for place, body in made}
        values, serialized = (part[name].__sexp__._cdata for name in ("values", "bytes"))  # noqa: SLF001  # a call for each would cost more
        heads: dict[str, Any] = {}
        sizes: list[list[int]] = []
        unrendered: dict[int, dict[str, Any]] = {}
        contents: list[bytes] = []
        for place in range(len(took)):
            if place in failures:
                sizes.append([])
                continue
            content = [_raw(_lib.VECTOR_ELT(serialized, place))]
            given = {}
            if len(content[0]) <= MOST_BYTES:  # nor is it written in other ways
                given = {EXACT: exact_body(_lib.VECTOR_ELT(values, place))}
                given |= rendered.get(place, {})
                content += [given[label].get("body") or b"" for label in (EXACT, *self._labels)]
            if sum(map(len, content)) > MOST_BYTES:
                failures[place] = {"error": TOO_LARGE, "message": TOO_LARGE, "kind": "r_error"}
                sizes.append([])
                continue
            for label, body in given.items():
                if "error" in body:
                    unrendered.setdefault(place, {})[label] = body
                elif label not in heads:
                    heads[label] = [body["type"], body.get("file")]
            sizes.append([len(one) for one in content])
            contents += content
        labels = [VALUE, EXACT, *self._labels]
        message = {"took": took, "labels": labels, "heads": heads, "sizes": sizes}
        message |= {"unrendered": _by_text(unrendered), "failures": _by_text(failures)}
        return message, b"".join(contents)


def _raw(value: Any) -> bytes:
    return bytes(_ffi.buffer(_lib.RAW(value), _lib.Rf_xlength(value)))


def _by_text(found: dict[int, Any]) -> dict[str, Any]:
    return {str(place): one for place, one in found.items()}


def _in_pieces(content: bytes) -> list[bytes]:
    size = wire.INLINE_BYTES
    return [content[start : start + size] for start in range(0, len(content), size)]
