"""What arguments may be: anything, or data alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from api.api_error import ApiError
from api.errors import BadRequest
from api.refusals import Forbidden

DATA = (
    "'{name}' has to be JSON, a number, a quoted text, TRUE, FALSE, NULL, NA, the name of a data "
    "set, or the key of a session."
)


def _no_package(_package: str) -> bool:
    return False


@dataclass(frozen=True)
class ArgumentRules:
    """What one request may say.

    Attributes:
        code: Whether arguments may be R code. Where not, a name stands for data alone, and R's
            own formats are refused: they hold functions and environments.
        files: Whether files may be sent.
        by_key: Whether it is the key that allows no more, and not the server.
        may_use: Of which packages data sets may be named, as `MASS::Boston`.
    """

    code: bool = True
    files: bool = True
    by_key: bool = False
    may_use: Callable[[str], bool] = _no_package

    def no_code(self, name: str) -> ApiError:
        """Returns the refusal of an argument that is none of the kinds of data."""
        if self.by_key:
            return Forbidden(f"this key sends data, no R code: {DATA.format(name=name)}")
        off = "R code in arguments is switched off on this server (ocpu.code): "
        return BadRequest(off + DATA.format(name=name))

    def no_file(self, what: str) -> ApiError:
        """Returns the refusal of a file, or of an object in one of R's own formats."""
        if self.by_key:
            return Forbidden(f"this key sends data, no {what}: send it as a text, a number or JSON")
        return BadRequest(
            f"R code in arguments is switched off on this server (ocpu.code), so no {what} are "
            "taken: send JSON"
        )


ANYTHING = ArgumentRules()
"""The rules of OpenCPU's own server."""
