"""What somebody wants of a new access key, read from texts; each mistake says what is meant."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import Final
from zoneinfo import ZoneInfo

from jobs.duration import parse_duration
from jobs.errors import ValueInvalid
from jobs.nearest import did_you_mean
from jobs.page_origin import parse_origin
from jobs.role import Role

LONGEST_NAME: Final = 100
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.@+-]*")
_FUNCTION: Final = re.compile(r"[A-Za-z*?][A-Za-z0-9.*?]*::\S+")
_JOB: Final = re.compile(r"[A-Za-z0-9_*?\[\]!-]+")
_EXPIRY_HINT: Final = "a time from now, as 90 days, or a date, as 2027-12-31"


@dataclass(frozen=True)
class KeyRequest:
    """A key to make; the attributes are those of `AccessKey`."""

    name: str
    role: Role
    functions: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    rate: str | None = None
    concurrent: int | None = None
    r_seconds: float | None = None
    expires_at: datetime | None = None


def read_name(text: str) -> str:
    """The name, if a key may have it: it begins with a letter, for a number is a key's own.

    Raises:
        ValueInvalid: It may not.
    """
    if len(text) > LONGEST_NAME or not _NAME.fullmatch(text):
        hint = f"a letter, then letters, digits and . _ @ + -, at most {LONGEST_NAME} in all"
        raise ValueInvalid(f"'{text[:LONGEST_NAME]}' cannot be the name of a key", hint)
    return text


def read_role(text: str) -> Role:
    """The role that `text` names.

    Raises:
        ValueInvalid: There is no such role.
    """
    try:
        return Role(text.strip().lower())
    except ValueError:
        hint = did_you_mean(text, Role, otherwise=f"there are {', '.join(Role)}")
        raise ValueInvalid(f"there is no role '{text}'", hint) from None


def read_functions(texts: Iterable[str]) -> tuple[str, ...]:
    """Patterns of functions: `stats::*`, `base::sum`.

    Raises:
        ValueInvalid: One is no such pattern.
    """
    patterns = _parts(texts)
    for pattern in patterns:
        if not _FUNCTION.fullmatch(pattern) or ":::" in pattern:
            meant = pattern.replace(":::", "::") if ":::" in pattern else f"{pattern}::*"
            hint = f"write {meant}" if _FUNCTION.fullmatch(meant) else "for example: stats::*"
            raise ValueInvalid(f"'{pattern}' names no function of a package", hint)
    return patterns


def read_jobs(texts: Iterable[str], names: Collection[str]) -> tuple[str, ...]:
    """Patterns of jobs, each of which fits one of those that there are.

    Raises:
        ValueInvalid: One is no pattern, or fits no job.
    """
    patterns = _parts(texts)
    for pattern in patterns:
        if not _JOB.fullmatch(pattern):
            raise ValueInvalid(f"'{pattern}' names no job", "for example: churn, weight_*")
        if not any(fnmatchcase(name, pattern) for name in names):
            there_are = f"there are {', '.join(sorted(names)[:10])}" if names else "there is none"
            hint = did_you_mean(pattern, names, otherwise=there_are)
            raise ValueInvalid(f"'{pattern}' fits no job of this project", hint)
    return patterns


def read_origins(texts: Iterable[str]) -> tuple[str, ...]:
    """Origins of web pages.

    Raises:
        ValueInvalid: One is none.
    """
    return tuple(dict.fromkeys(parse_origin(text) for text in _parts(texts)))


def read_expiry(text: str, now: datetime, timezone: str) -> datetime:
    """The moment from which a key is refused: after a time, or at the end of a day, or then.

    Raises:
        ValueInvalid: It says none, or one that is over.
    """
    moment = _moment(text.strip(), now, timezone)
    if moment <= now:
        raise ValueInvalid(f"'{text}' is over already", _EXPIRY_HINT)
    return moment


def _moment(text: str, now: datetime, timezone: str) -> datetime:
    zone = ZoneInfo(timezone)
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            following = date.fromisoformat(text) + timedelta(days=1)
            return datetime.combine(following, time(), zone).astimezone(now.tzinfo)
        if re.match(r"[0-9]{4}-", text):
            read = datetime.fromisoformat(text)
            return (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(now.tzinfo)
    except (ValueError, OverflowError):
        raise ValueInvalid(f"'{text}' is no date and no moment", _EXPIRY_HINT) from None
    return now + timedelta(seconds=parse_duration(text))


def _parts(texts: Iterable[str]) -> tuple[str, ...]:
    """What stands between commas, each once."""
    found = (part.strip() for text in texts for part in text.split(","))
    return tuple(dict.fromkeys(part for part in found if part))
