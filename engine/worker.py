"""R, embedded in this process through rpy2. Imported by the forking parent and nowhere else.

rpy2's `robjects` is not needed: `rinterface` starts R and calls the functions of engine/r.
"""

from __future__ import annotations

import ctypes
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rpy2 import situation

from engine.library_path import library_path

# Before rinterface is imported, which asks a whole R for it: a tenth of a second of each start.
situation.r_ld_library_path_from_subprocess = library_path

# ruff: noqa: E402  # for that
from rpy2 import rinterface as ri
from rpy2.rinterface_lib import callbacks

from engine.console import Console
from engine.convert import address, from_r, raw_vector, to_r
from engine.errors import LIMITS
from engine.limits import Limits
from engine.r_bodies import bodies_of
from engine.support import support_functions
from engine.transcript import Transcript
from engine.value_cells import ValueCells
from engine.worker_status import QUIT_STATUS

REQUEST_VARIABLE = "LARDER_REQUEST_ID"

_kept_alive: list[Any] = []


class R:
    """The embedded R of this process and the support functions of engine/r.

    Not thread-safe; everything happens in the main thread, as R needs its C stack. After fork the
    child goes on using the same object.

    Args:
        keep: a folder for the compiled support functions.
    """

    def __init__(self, keep: Path) -> None:
        logging.getLogger("rpy2").setLevel(logging.CRITICAL)
        _replace_callbacks()
        # _c_stack_limit=0 leaves R's own limit: infinite recursion is an R error, not a crash.
        ri.initr(interactive=False, _c_stack_limit=0)
        _replace_callbacks()
        self._larder = support_functions(keep)
        self._libr = ctypes.CDLL("libR.so", mode=os.RTLD_NOLOAD)
        self._transcript = Transcript()
        self._limits = Limits()
        self._keep_output(self._limits.output_bytes)
        self._offer()

    def set(self, name: str, value: Any) -> None:
        """Sets one of the support functions' settings."""
        self._larder["settings"][name] = to_r(value)

    def call(self, function: str, *arguments: Any) -> Any:
        """Returns what a support function answers, as plain values."""
        return from_r(self._larder[function](*(to_r(argument) for argument in arguments)))

    def forget_output(self) -> None:
        """Begins anew with what is printed and said."""
        self._console.clear()

    def transcribe(self, descriptor: int) -> None:
        """Has what requests print and say told in this shared memory from now on."""
        self._transcript.close()
        self._transcript = self._console.transcript = Transcript(descriptor)

    def obey(self, limits: Limits) -> None:
        """Ends code of requests from now on where it prints or draws more than this."""
        if limits.output_bytes != self._limits.output_bytes:
            self._keep_output(limits.output_bytes)
        if limits.plots != self._limits.plots:
            self.set("plots", limits.plots)
        self._limits = limits

    def _keep_output(self, size: int) -> None:
        text, written = raw_vector(size), ri.FloatSexpVector([0.0])
        self._larder["use_console"](text, written, to_r(float(size)))
        self._console_memory = (text, written)  # R's, but code could have R forget them
        interrupts = ctypes.addressof(ctypes.c_int.in_dll(self._libr, "R_interrupts_pending"))
        self._console = Console(address(text), size, address(written), interrupts, self._transcript)
        self._console.attach(self._libr)

    def _offer(self) -> None:
        """Gives the support functions what they ask of this side."""
        self.set("plots", self._limits.plots)
        offered: dict[str, Callable[..., Any]] = {
            "tell": lambda kind, text: self._transcript.tell(kind[0], text[0]),
            "stop_code": self._stop_code,
            "stop_code_no_more": self._stop_code_no_more,
            "forget_output": self.forget_output,
            "limit_words": lambda name: to_r(str(self._limits.reached(LIMITS[name[0]]))),
        }
        for name, function in offered.items():
            self._larder[name] = known = ri.rternalize(function, signature=False)
            _kept_alive.append(known)

    def serve(self, request: dict[str, Any]) -> dict[str, Any]:
        """Returns the answer to one request; bodies asked for as `exact` are JSON bytes."""
        self.forget_output()
        answer = self._larder["serve"](to_r(request))
        names = list(answer.names)
        plain: dict[str, Any] = {}
        for name, value in zip(names, answer, strict=True):
            plain[name] = bodies_of(value) if name == "bodies" else from_r(value)
        return plain

    def value_cells(self, request: dict[str, Any]) -> ValueCells:
        """Returns cells that keep no session, ready to be evaluated."""
        self.forget_output()
        shape = ri.IntSexpVector([one + 1 for one in request.pop("shape")])
        texts = ri.StrSexpVector(request.pop("values"))
        self._larder["begin_values"](to_r(request), shape, texts)
        labels = tuple(output["label"] for output in request["outputs"])
        evaluate = self._larder["evaluate_values"]
        return ValueCells(evaluate, labels=labels, count=len(shape))

    def use_temporary_folder(self, folder: Path) -> None:
        """Gives this process a tempdir() and a home: children would share the parent's."""
        path = ctypes.create_string_buffer(os.fsencode(folder))
        _kept_alive.append(path)
        pointer = ctypes.c_void_p.in_dll(self._libr, "R_TempDir")
        pointer.value = ctypes.addressof(path)
        for name in ("TMPDIR", "HOME"):
            os.environ[name] = str(folder)
        ri.baseenv["Sys.setenv"](TMPDIR=to_r(str(folder)), HOME=to_r(str(folder)))

    def work_for(self, request_id: str) -> None:
        """Has R code, and what it starts, find the id of the request that they work for."""
        if request_id != os.environ.get(REQUEST_VARIABLE):
            os.environ[REQUEST_VARIABLE] = request_id
            ri.baseenv["Sys.setenv"](**{REQUEST_VARIABLE: to_r(request_id)})

    def _stop_code(self) -> None:
        self._console.stop()

    def _stop_code_no_more(self) -> None:
        self._console.stop_no_more()


def _replace_callbacks() -> None:
    callbacks.consolewrite_print = _ignore
    callbacks.consolewrite_warnerror = _ignore
    callbacks.consoleread = _no_input
    callbacks.showmessage = _ignore
    callbacks.cleanup = _end_process


def _ignore(*_arguments: Any) -> None:
    """Drops what R writes outside a captured evaluation."""


def _no_input(_prompt: str) -> str:
    return ""


def _end_process(_save: Any, _status: Any, _run_last: Any) -> None:
    """Ends the process as q() asks, leaving the parent's temporary folder alone."""
    os._exit(QUIT_STATUS)
