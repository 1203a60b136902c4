"""What a call printed and said so far, in memory that its child shares with the broker.

The child writes; the broker reads at any time, also after the child was killed. The memory lies in
no folder and cannot be cut short, so R code can neither hide it nor trip the broker with it. What
R keeps for the session is another matter: see engine/console.py.

Layout: how many bytes of text and how many marks there are; the marks, each a place in the text and
what begins there; the text, as a console shows it.
"""

from __future__ import annotations

import ctypes
import fcntl
import itertools
import mmap
import os
import struct
from collections.abc import Iterator

KINDS = ("stdout", "source", "message", "warning", "plot")
STDOUT, SOURCE = KINDS[:2]
HEADS = {"message": "Message:\n", "warning": "Warning message:\n"}
SIZE = 2**27
"""Of the memory, whose pages are there once they are written to. What does not fit is not told."""
MOST_MARKS = 2**16

_COUNTS = struct.Struct("<QQ")
_MARK = struct.Struct("<Q")
_TEXT = _COUNTS.size + MOST_MARKS * _MARK.size
_ROOM = SIZE - _TEXT

_libc = ctypes.CDLL(None, use_errno=True)
_mmap = _libc.mmap
_mmap.restype = ctypes.c_void_p
_mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *(ctypes.c_int,) * 3, ctypes.c_int64)
_libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)


def shared_memory() -> int:
    """Returns a descriptor of memory for a transcript, of a size that nobody can change."""
    descriptor = os.memfd_create("transcript", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, SIZE)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    return descriptor


class Transcript:
    """Writes one; a process forked from the one that made this writes nothing.

    Args:
        descriptor: of `shared_memory`, closed here; -1 for memory that nobody reads.
    """

    def __init__(self, descriptor: int = -1) -> None:
        start = _mapped(descriptor)
        if descriptor != -1:
            os.close(descriptor)
        self._memory = (ctypes.c_char * SIZE).from_address(start)
        self._start = start
        self._owner = os.getpid()
        self._text = start + _TEXT
        self._size = ctypes.c_uint64.from_address(start)
        self._marks = ctypes.c_uint64.from_address(start + 8)
        self.clear()

    def clear(self) -> None:
        """Forgets what was told."""
        self._kind = ""
        self._filled = self._size.value = self._marks.value = 0

    def close(self) -> None:
        """Gives the memory back; nothing may be told any more."""
        self._owner = 0
        _libc.munmap(self._start, SIZE)

    def print(self, text: int, size: int) -> None:
        """Adds so many bytes at an address: what was printed."""
        if os.getpid() != self._owner:
            return
        if self._kind != STDOUT:
            self._mark(STDOUT)
        filled = self._filled
        if filled + size > _ROOM:
            size = _ROOM - filled
        ctypes.memmove(self._text + filled, text, size)
        self._filled = self._size.value = filled + size

    def tell(self, kind: str, text: str) -> None:
        """Adds a piece of another kind, on lines of its own."""
        if os.getpid() != self._owner:
            return
        if self._filled and self._memory[_TEXT + self._filled - 1] != b"\n":
            self._write(b"\n")
        self._mark(kind)
        shown = "> " + text.rstrip("\n").replace("\n", "\n+ ") if kind == SOURCE else text.strip()
        self._write(f"{HEADS.get(kind, '')}{shown}\n".encode(errors="replace"))

    def _mark(self, kind: str) -> None:
        self._kind = kind
        marks = self._marks.value
        if marks < MOST_MARKS:
            mark = self._filled * len(KINDS) + KINDS.index(kind)
            _MARK.pack_into(self._memory, _COUNTS.size + marks * _MARK.size, mark)
            self._marks.value = marks + 1

    def _write(self, text: bytes) -> None:
        size = min(len(text), _ROOM - self._filled)
        ctypes.memmove(self._text + self._filled, text, size)
        self._filled += size
        self._size.value = self._filled


def _mapped(descriptor: int) -> int:
    """Maps such memory; returns its address. Python's own way keeps a descriptor open."""
    shared = mmap.MAP_SHARED | (mmap.MAP_ANONYMOUS if descriptor == -1 else 0)
    start: int = _mmap(None, SIZE, mmap.PROT_READ | mmap.PROT_WRITE, shared, descriptor, 0)
    if start == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return start


class TranscriptReader:
    """Reads a transcript while it is written, believing nothing that stands there.

    Args:
        descriptor: of `shared_memory`, closed here.
    """

    def __init__(self, descriptor: int) -> None:
        self._memory = mmap.mmap(descriptor, SIZE, prot=mmap.PROT_READ)
        os.close(descriptor)

    def close(self) -> None:
        """Gives the memory back; nothing stands there any more."""
        self._memory.close()

    def read(self, start: int, most: int) -> tuple[bytes, int]:
        """Returns at most so many bytes of the text from `start` on, and the place behind them."""
        size, _ = self._counts()
        start = min(max(start, 0), size)
        end = min(size, start + most)
        return (self._memory[_TEXT + start : _TEXT + end] if size else b""), end

    def end(self, most: int) -> str:
        """Returns the last of the text, at most so many bytes, those that are no text as <ff>."""
        size, _ = self._counts()
        return _decoded(self._memory[_TEXT + max(0, size - most) : _TEXT + size]) if size else ""

    def pieces(self, most: int) -> list[tuple[str, str]]:
        """Returns the kind and the text of each piece, in order, bytes that are no text as <ff>.

        What stands beyond the first `most` bytes is left out.
        """
        return [(kind, _bare(kind, text)) for kind, text in self._shown(most)]

    def _shown(self, most: int) -> Iterator[tuple[str, str]]:
        size, marks = self._counts()
        size = min(size, most)
        begins = [
            _MARK.unpack_from(self._memory, _COUNTS.size + number * _MARK.size)[0]
            for number in range(marks)
        ]
        start = 0
        for mark, following in itertools.pairwise([*begins, size * len(KINDS)]):
            end = min(max(start, following // len(KINDS)), size)  # nothing is read twice
            text = self._memory[_TEXT + start : _TEXT + end]
            yield KINDS[mark % len(KINDS)], _decoded(text)
            start = end

    def _counts(self) -> tuple[int, int]:
        if self._memory.closed:
            return 0, 0
        size, marks = _COUNTS.unpack_from(self._memory, 0)
        return min(size, _ROOM), min(marks, MOST_MARKS)


def _bare(kind: str, shown: str) -> str:
    """Returns what a piece was told as."""
    if kind == STDOUT:
        return shown
    text = shown.removesuffix("\n")
    if kind == SOURCE:
        return text.removeprefix("> ").replace("\n+ ", "\n")
    return text.removeprefix(HEADS.get(kind, ""))


def _decoded(text: bytes) -> str:
    found = text.decode(errors="surrogateescape")
    if found.isascii():
        return found
    broken = {0xDC00 + byte: f"<{byte:02x}>" for byte in range(0x80, 0x100)}
    return found.translate(broken)
