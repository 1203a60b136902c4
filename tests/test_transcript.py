"""What a call printed and said so far: read by another process, whatever the writer makes of it."""

import ctypes
import os
from dataclasses import dataclass

import pytest

from engine.transcript import SIZE, Transcript, TranscriptReader, shared_memory


@dataclass
class Told:
    """Both ends of a transcript."""

    writer: Transcript
    reader: TranscriptReader

    def print(self, piece: bytes) -> None:
        text = ctypes.create_string_buffer(piece)
        self.writer.print(ctypes.addressof(text), len(piece))

    @property
    def text(self) -> bytes:
        return self.reader.read(0, SIZE)[0]


@pytest.fixture
def told() -> Told:
    descriptor = shared_memory()
    return Told(Transcript(os.dup(descriptor)), TranscriptReader(descriptor))


def test_pieces_stand_as_a_console_shows_them(told: Told) -> None:
    told.writer.tell("source", "f(\n  1\n)")
    told.print(b"one\n")
    told.print(b"two")
    told.writer.tell("message", "hello\n")
    told.writer.tell("warning", "careful")
    told.writer.tell("plot", "[[ plot ]]")
    assert told.text == (
        b"> f(\n+   1\n+ )\none\ntwo\nMessage:\nhello\nWarning message:\ncareful\n[[ plot ]]\n"
    )


def test_pieces_come_back_as_they_were_told(told: Told) -> None:
    told.writer.tell("source", "f(\n+ 1\n)")
    told.print(b"one\n")
    told.print(b"two\n")
    told.writer.tell("message", "Message:\nagain")
    told.print(b"three")
    assert told.reader.pieces(SIZE) == [
        ("source", "f(\n+ 1\n)"),
        ("stdout", "one\ntwo\n"),
        ("message", "Message:\nagain"),
        ("stdout", "three"),
    ]


def test_reading_goes_on_where_it_ended(told: Told) -> None:
    told.print(b"first")
    assert told.reader.read(0, 3) == (b"fir", 3)
    told.print(b" second")
    assert told.reader.read(3, 100) == (b"st second", 12)
    assert told.reader.read(12, 100) == (b"", 12)
    assert told.reader.read(-5, 5) == (b"first", 5)


def test_cleared_transcript_begins_anew(told: Told) -> None:
    told.print(b"old")
    told.writer.clear()
    assert told.reader.read(3, 100) == (b"", 0)
    assert told.reader.pieces(SIZE) == []


def test_bytes_that_are_no_text_are_shown(told: Told) -> None:
    told.print("é\udcff".encode(errors="surrogateescape"))
    assert told.reader.pieces(SIZE) == [("stdout", "é<ff>")]


def test_what_does_not_fit_is_not_told(told: Told) -> None:
    for _ in range(SIZE // 2**20 + 1):
        told.print(b"x" * 2**20)
    told.writer.tell("message", "late")
    assert SIZE - 2**20 < len(told.text) <= SIZE


def test_a_forked_process_tells_nothing(told: Told) -> None:
    told.print(b"parent")
    pid = os.fork()
    if pid == 0:
        told.print(b"child")
        told.writer.tell("message", "child")
        os._exit(0)
    os.waitpid(pid, 0)
    assert told.text == b"parent"


def test_memory_cannot_be_cut_short() -> None:
    descriptor = shared_memory()
    with pytest.raises(PermissionError):
        os.ftruncate(descriptor, 0)
    os.close(descriptor)


def test_nonsense_in_the_memory_is_read_all_the_same(told: Told) -> None:
    ctypes.memset(ctypes.addressof(told.writer._memory), 0xFF, 4096)
    assert len(told.reader.read(0, 100)[0]) == 100
    assert sum(len(text) for _, text in told.reader.pieces(1000)) <= 4 * 1000
    assert told.reader.read(2**70, 100)[0] == b""
