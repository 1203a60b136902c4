"""`{env: NAME}`: a text that stands in the environment instead of in a file.

Its value is looked up at each use and stays with the user: `hidden` takes it out of what is told.
"""

import os
import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import Discriminator, Field, Tag

from jobs.entry import Entry, text_as
from jobs.errors import SecretMissing, ValueInvalid

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HIDDEN = "[hidden]"


def variable_name(text: str) -> str:
    """The text, if a variable may be called so.

    Raises:
        ValueInvalid: If not.
    """
    if not _NAME.fullmatch(text):
        reason = f"'{text}' is no name of a variable"
        raise ValueInvalid(reason, "letters, digits and '_': the name, not the value")
    return text


class EnvEntry(Entry):
    """The name of an environment variable that has the text."""

    env: Annotated[str, text_as(variable_name)] = Field(
        description="An environment variable of the server that has the text.",
        examples=["WAREHOUSE_URL"],
    )


def _branch(value: object) -> str:
    return "<env>" if isinstance(value, dict | EnvEntry) else "<text>"


SecretText = Annotated[
    Annotated[str, Tag("<text>")] | Annotated[EnvEntry, Tag("<env>")], Discriminator(_branch)
]
"""A text in a file, or `{env: NAME}`."""


def text_of(written: str | EnvEntry) -> str:
    """The text that was written, or that the environment has now.

    Raises:
        SecretMissing: If the variable is not set, or empty.
    """
    return written if isinstance(written, str) else text_in(written.env)


def text_in(variable: str) -> str:
    """The text that the environment has now under that name.

    Raises:
        SecretMissing: If the variable is not set, or empty.
    """
    value = os.environ.get(variable, "").strip()
    if not value:
        raise SecretMissing(variable)
    return value


def hidden(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets, for errors and logs."""
    known = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, known)), _HIDDEN, text) if known else text
