"""What R prints, kept byte for byte in memory that belongs to R, and told while the call runs.

R calls `Console.write` for each piece of text. It copies the piece behind the last one into a raw
vector of R's, and counts in a number that is R's too: engine/r/console.R looks there without a call
out of R, which would cost more than most of what it evaluates, and needs no memory of its own when
a call has used up all it may have. No sink is involved, so that no code can close it or leave its
own open in the way. The same pieces go to the call's transcript, which the broker reads.

Where there is no room left the call has reached a limit: R is interrupted, as by a user at its
prompt, and engine/r/evaluator.R makes an error of it.

What system() starts, and what C code prints without R's help, goes to the process's own
descriptors. A child has them on /dev/null: this output is lost, as it is to OpenCPU. Code that
wants it says `system(…, intern = TRUE)`.
"""

from __future__ import annotations

import ctypes

from engine.transcript import Transcript

_STDOUT = 0
_Write = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_int)


class Console:
    """Takes what R writes to its console; not thread-safe, as R is not.

    Args:
        text: address of the bytes to fill.
        room: how many there are. What comes later is counted and dropped.
        written: address of the double that says how much was written since `clear`.
        interrupts: address of the int that tells R of an interrupt.
        transcript: where the same is told.
    """

    def __init__(
        self, text: int, room: int, written: int, interrupts: int, transcript: Transcript
    ) -> None:
        self.transcript = transcript
        self._text = text
        self._room = room
        self._size = 0
        self._written = ctypes.c_double.from_address(written)
        self._interrupts = ctypes.c_int.from_address(interrupts)
        self._stops = True
        self._callback = _Write(self.write)  # kept: R has no more than its address
        self.clear()

    def clear(self) -> None:
        """Forgets what was written."""
        self._size = 0
        self._written.value = 0
        self._stops = True
        self.transcript.clear()

    def stop(self) -> None:
        """Has R end the code that runs."""
        self._interrupts.value = 1

    def stop_no_more(self) -> None:
        """Takes back a `stop` that R did not see yet: the code has ended. Holds until `clear`."""
        self._stops = False
        self._interrupts.value = 0

    def write(self, text: int, size: int, kind: int) -> None:
        """Keeps a piece of text; what R has for its stderr is nobody's."""
        if kind != _STDOUT:
            return
        start = self._size
        if start < self._room:
            ctypes.memmove(self._text + start, text, min(size, self._room - start))
        self._size = start + size
        self._written.value = self._size
        self.transcript.print(text, size)
        if self._size > self._room and self._stops:
            self.stop()

    def attach(self, libr: ctypes.CDLL) -> None:
        """Has R write here from now on."""
        pointer = ctypes.c_void_p.in_dll(libr, "ptr_R_WriteConsoleEx")
        pointer.value = ctypes.cast(self._callback, ctypes.c_void_p).value
