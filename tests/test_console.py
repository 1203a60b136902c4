"""What R prints, as it is kept: in order, as far as there is room, to the last byte."""

import ctypes
from dataclasses import dataclass

import pytest

from engine.console import Console
from engine.transcript import Transcript


@dataclass
class Kept:
    """A console of little room, and R's view of it."""

    room: int = 10

    def __post_init__(self) -> None:
        self._text = ctypes.create_string_buffer(self.room + 1)
        self._written = ctypes.c_double(-1)
        self._interrupts = ctypes.c_int(0)
        addresses = map(ctypes.addressof, (self._text, self._written, self._interrupts))
        text, written, interrupts = addresses
        self.console = Console(text, self.room, written, interrupts, Transcript())

    @property
    def written(self) -> float:
        return self._written.value

    @property
    def is_stopped(self) -> bool:
        return bool(self._interrupts.value)

    @property
    def text(self) -> bytes:
        return self._text.raw[: min(int(self.written), self.room)]

    @property
    def beyond(self) -> bytes:
        return self._text.raw[self.room :]

    def print(self, piece: bytes, kind: int = 0) -> None:
        self.console.write(ctypes.addressof(ctypes.create_string_buffer(piece)), len(piece), kind)


@pytest.fixture
def kept() -> Kept:
    return Kept()


def test_nothing_is_written_at_first(kept: Kept) -> None:
    assert kept.written == 0


def test_pieces_are_kept_in_order(kept: Kept) -> None:
    kept.print(b"one")
    kept.print(b", two")
    assert kept.text == b"one, two"


def test_any_bytes_are_kept(kept: Kept) -> None:
    kept.print(b"\xff\xfe\x01")
    assert kept.text == b"\xff\xfe\x01"


def test_stderr_is_not_kept(kept: Kept) -> None:
    kept.print(b"told", kind=1)
    assert kept.written == 0


def test_room_is_filled_and_the_rest_counted(kept: Kept) -> None:
    kept.print(b"1234567")
    kept.print(b"89abcdef")
    kept.print(b"more")
    assert (kept.text, kept.written) == (b"123456789a", 19)
    assert kept.beyond == b"\0"


def test_cleared_console_begins_anew(kept: Kept) -> None:
    kept.print(b"0123456789abc")
    kept.console.clear()
    kept.print(b"new")
    assert (kept.text, kept.written) == (b"new", 3)


def test_code_that_prints_beyond_the_room_is_stopped(kept: Kept) -> None:
    kept.print(b"0123456789")
    assert not kept.is_stopped
    kept.print(b"a")
    assert kept.is_stopped


def test_code_that_has_ended_is_not_stopped_any_more(kept: Kept) -> None:
    kept.print(b"0123456789a")
    kept.console.stop_no_more()
    kept.print(b"b")
    assert not kept.is_stopped
    kept.console.clear()
    kept.print(b"0123456789a")
    assert kept.is_stopped
