"""Signals as something to wait for: asked to stop, a child ended."""

import select
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

from larder.process import STOPPING


class Signals:
    """While entered, counts requests to stop and wakes whoever waits; main thread only."""

    def __init__(self) -> None:
        self.stops = 0
        self._woken, self._wake = socket.socketpair()
        self._woken.setblocking(False)  # noqa: FBT003 - the socket module's own signature
        self._wake.setblocking(False)  # noqa: FBT003
        self._before: list[Callable[[], Any]] = []

    def __enter__(self) -> Self:
        old = signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        self._before.append(lambda: signal.set_wakeup_fd(old))
        for number in (*STOPPING, signal.SIGCHLD):
            ignored = signal.getsignal(number) is signal.SIG_IGN
            if not (ignored and number == signal.SIGHUP):  # by nohup
                self._take(number)
        return self

    def __exit__(self, *_: object) -> None:
        for restore in reversed(self._before):
            restore()
        self._woken.close()
        self._wake.close()

    def wait(self, timeout_s: float | None) -> None:
        """Returns at the next signal, or after so long; at once if one came since the last time."""
        select.select([self._woken], [], [], timeout_s)
        try:
            while self._woken.recv(4096):
                pass
        except BlockingIOError:
            pass

    def _take(self, number: signal.Signals) -> None:
        old = signal.signal(number, self._note)
        self._before.append(lambda: signal.signal(number, old))

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            self.stops += 1
